"""Questions as the service asks them: at local midnight, about the 24 hours ahead.

Every issue is put together from what was known then and nothing else: the past is cut off before
the weeks that the asset is said to have been there, and the hours ahead have no readings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.mixture import Beside, mixed
from wattmesh_forecast.domain.model_input import ModelInput, concatenated
from wattmesh_forecast.domain.seasonal import seasonal_middles

WEEK = 7 * DAY
LOOK_BACK = 45 * DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """How much is known at issue: weeks of the asset's own readings, and weather or not."""

    weeks: int
    weather: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asked:
    """Questions of some issues about some assets, and what came, (issues, assets, 24) [W].

    `beside` is what the seasonal forecast says of the same rows.
    """

    asked: ModelInput
    beside: Beside
    came_w: Floats

    def in_w(self, said: Floats) -> Floats:
        """Return quantiles over the scale (rows, 3) as power (issues, assets, 24, 3) [W]."""
        return (said * self.asked.scale_w[:, None]).reshape(*self.came_w.shape, -1)

    def issued_w(self, said: Floats) -> Floats:
        """Return what is issued where a model said so over the scale, (issues, assets, 24, 3)."""
        found = mixed(Kind.LOAD, said * self.asked.scale_w[:, None], self.beside)
        return found.reshape(*self.came_w.shape, -1)


def midnights(asset: AssetHours, first: int, end: int) -> list[int]:
    """Return the positions at which a local day begins that is measured within [first, end)."""
    hours = np.arange(first, end - DAY + 1)
    return [int(at) for at in hours[asset.clock.hour[hours] == 0]]


def ask(assets: Sequence[AssetHours], issues: Sequence[int], known: Known) -> Asked:
    """Return what the load model is asked at each issue about each asset."""
    came = [[asset.power_w[at : at + DAY] for asset in assets] for at in issues]
    parts = [_asked(assets, at, known) for at in issues]
    return Asked(
        asked=concatenated([asked for asked, _ in parts]),
        beside=Beside.concatenated([beside for _, beside in parts]),
        came_w=np.array(came),
    )


def _asked(assets: Sequence[AssetHours], at: int, known: Known) -> tuple[ModelInput, Beside]:
    first = max(0, at - LOOK_BACK)
    parts = [_as_known(asset.between(first, at + DAY), at - first, known) for asset in assets]
    batch = Batch.of(parts)
    rows = Rows.ahead(at - first - 1, range(at - first, at - first + DAY))
    now = seasonal_middles(Kind.LOAD, batch, rows)
    return model_input(Kind.LOAD, batch, rows), Beside.of(Kind.LOAD, batch, rows, now)


def _as_known(part: AssetHours, now: int, known: Known) -> AssetHours:
    hours = np.arange(len(part.power_w))
    there = (hours < now) & (hours >= now - known.weeks * WEEK)
    warmth = part.temperature_celsius if known.weather else None
    power = np.where(there, part.power_w, np.nan)
    return replace(part, power_w=power, temperature_celsius=warmth)
