"""How good a network is on days that it has not learnt from, beside what needs no training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Bools, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.domain.trial import ask_patterns, blend_weights

_NAIVE = 0
"""The first pattern of every kind is the naive forecast."""

Predict = Callable[[ModelInput], Float32s]
"""Quantiles over the scale, (n, 3), of what is asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Weighted absolute percentage errors over the same hours of all assets."""

    wape_ratio: float
    seasonal_wape_ratio: float
    naive_wape_ratio: float
    service_wape_ratio: float | None = None
    """Of the version in service; None where there is none that has not learnt from those hours."""

    @property
    def objection(self) -> str | None:
        """Why the network is not to be served, None when it may be."""
        rivals = {"seasonal": self.seasonal_wape_ratio, "naive": self.naive_wape_ratio}
        if self.service_wape_ratio is not None:
            rivals["served"] = self.service_wape_ratio
        name, best = min(rivals.items(), key=lambda rival: rival[1])
        if self.wape_ratio < best:
            return None
        return (
            f"on days it has not learnt from it errs by {self.wape_ratio:.4f} of what was"
            f" measured, the {name} forecast by {best:.4f}"
        )


def judge(
    kind: Kind,
    assets: Sequence[AssetHours],
    rows: Rows,
    predict: Predict,
    served: Predict | None = None,
) -> Verdict:
    """Return the errors over rows; every hour counts that was measured and is not fixed.

    `served` is what the version in service says, where it has not learnt from those hours.
    """
    totals = np.zeros(5)
    for asset in assets:
        batch = Batch.of([asset])
        asked = model_input(kind, batch, rows)
        patterns, trial = ask_patterns(kind, batch, rows)
        weights = blend_weights(trial, rows.issues)[:, rows.issue]
        came = asset.power_w[rows.target]
        said = [
            predict(asked)[:, 1] * asked.scale_w,
            (patterns * weights).sum(axis=-1)[0],
            patterns[0, :, _NAIVE],
            np.zeros_like(came) if served is None else served(asked)[:, 1] * asked.scale_w,
        ]
        counts = np.isfinite(came) & asked.open
        totals += [*(_error(each, came, counts) for each in said), came[counts].sum()]
    model, seasonal, naive, service, measured = totals
    return Verdict(
        wape_ratio=model / max(measured, 1e-9),
        seasonal_wape_ratio=seasonal / max(measured, 1e-9),
        naive_wape_ratio=naive / max(measured, 1e-9),
        service_wape_ratio=None if served is None else service / max(measured, 1e-9),
    )


def _error(said: Floats, came: Floats, counts: Bools) -> float:
    return float(np.abs(said - came)[counts].sum())
