"""What is forecast, and the patterns and scales that go with it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from wattmesh_forecast.domain.hours import Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.load_patterns import LOAD_PATTERNS, load_patterns, weekly_mean
from wattmesh_forecast.domain.pv_patterns import (
    PV_PATTERNS,
    highest_of_earlier_days,
    peak_power,
    pv_patterns,
)
from wattmesh_forecast.domain.wind.patterns import WIND_PATTERNS, highest_power, wind_patterns


class Kind(StrEnum):
    """What is forecast; the value is the name of its model, where it has one."""

    LOAD = "load"
    PV = "pv"
    WIND = "wind"
    OCCUPANCY = "occupancy"

    @property
    def sign(self) -> float:
        """What turns the magnitude into power, which is positive into the component."""
        return -1.0 if self in (Kind.PV, Kind.WIND) else 1.0


MODELLED = (Kind.LOAD, Kind.PV)
"""What models are trained for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PatternSet:
    """The patterns of a kind: their names, their values and the power they are measured by.

    `values` gives (assets, n, patterns) for rows, `scale_w` (assets, issues), both in W.
    `ceiling_w` gives what the assets can do at each hour of the raster [W], as they did on the days
    before, (assets, hours), NaN where they never did; None where nothing of that kind is known.
    """

    names: tuple[str, ...]
    values: Callable[[Batch, Rows], Floats]
    scale_w: Callable[[Batch, Ints], Floats]
    ceiling_w: Callable[[Batch], Floats] | None = None


PATTERNS = {
    Kind.LOAD: PatternSet(names=LOAD_PATTERNS, values=load_patterns, scale_w=weekly_mean),
    Kind.PV: PatternSet(
        names=PV_PATTERNS,
        values=pv_patterns,
        scale_w=peak_power,
        ceiling_w=lambda batch: highest_of_earlier_days(batch.power_w),
    ),
    Kind.WIND: PatternSet(names=WIND_PATTERNS, values=wind_patterns, scale_w=highest_power),
}
