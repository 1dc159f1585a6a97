"""What a model says and what the seasonal forecast says, put together: each lead has its weights.

Both are wrong in different ways: a model that serves everybody knows kinds of days, the seasonal
forecast what this asset did in the last two weeks and in the newest hour. Over homes and a campus
the mean of both erred less than either at almost every lead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.nowcast import Nowcast

_SHARES = {
    Kind.LOAD: ((1.0, 0.4), (9.0, 0.4), (24.0, 0.2)),
    Kind.PV: ((1.0, 1.0), (4.0, 0.9), (6.0, 0.7), (8.0, 0.0)),
}
"""Share of the seasonal forecast by lead [h]; linear in between, the last one beyond."""
_TOLD_RATIO = 0.4
"""So much of that where the model knows a temperature, of which patterns know nothing."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Beside:
    """What the seasonal forecast says beside a model, row by row, (n,)."""

    share: Floats
    middle_w: Floats
    left_ratio: Floats

    @classmethod
    def of(cls, kind: Kind, batch: Batch, rows: Rows, now: Nowcast) -> "Beside":
        """Return the rows of every asset, asset by asset."""
        leads, shares = zip(*_SHARES[kind], strict=True)
        share = np.broadcast_to(np.interp(rows.lead, leads, shares), now.middle_w.shape)
        if batch.temperature_celsius is not None:
            told = np.isfinite(batch.temperature_celsius[:, rows.target])
            share = np.where(told, _TOLD_RATIO * share, share)
        return cls(
            share=share.ravel(),
            middle_w=now.middle_w.ravel(),
            left_ratio=now.left_ratio.ravel(),
        )

    @classmethod
    def concatenated(cls, parts: "Sequence[Beside]") -> "Beside":
        """Return the rows of several as one."""
        return cls(
            share=np.concatenate([part.share for part in parts]),
            middle_w=np.concatenate([part.middle_w for part in parts]),
            left_ratio=np.concatenate([part.left_ratio for part in parts]),
        )

    def where(self, rows: Ints | slice) -> "Beside":
        """Return some of the rows."""
        return Beside(
            share=self.share[rows], middle_w=self.middle_w[rows], left_ratio=self.left_ratio[rows]
        )


def mixed(kind: Kind, said_w: Floats, beside: Beside) -> Floats:
    """Return a model's quantiles (n, 3) [W] with the seasonal forecast in them, by its shares.

    At a share of 0.4 a model's 1,000 W beside 1,500 W are 1,200 W, and both outer quantiles move
    along. Those of a plant come closer by what the newest hour takes away of the errors.
    """
    share = beside.share
    low, middle, high = said_w.T
    found = middle + share * (beside.middle_w - middle)
    width = 1.0 - share * (1.0 - np.sqrt(beside.left_ratio)) if kind is Kind.PV else 1.0
    columns = (found - width * (middle - low), found, found + width * (high - middle))
    return np.asarray(np.maximum(np.column_stack(columns), 0.0))
