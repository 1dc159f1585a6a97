"""What was measured of a zone, on one raster: all that identification knows."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.errors import InvalidArgument

Floats = NDArray[np.float64]

_PEOPLE_SHOW_ABOVE = 0.02


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ZoneRecord:
    """A zone over `count` intervals of `hours` [h], NaN where not known.

    `temperature_celsius` is that of the zone's air at each interval's end; all others are means
    over the interval: `heating_w` and `cooling_w` the electric power [W], `outdoor_celsius`, `sun`
    (irradiance, or what stands for it, on a scale of 0 to about 1), `occupancy_ratio` (0 to 1) and
    `hour_of_day` (local, 0 to 24). `sun` and `occupancy_ratio` are None where nothing measures
    them.
    """

    hours: float
    temperature_celsius: Floats
    outdoor_celsius: Floats
    heating_w: Floats
    cooling_w: Floats
    hour_of_day: Floats
    sun: Floats | None = None
    occupancy_ratio: Floats | None = None

    def __post_init__(self) -> None:
        count = len(self.temperature_celsius)
        if self.hours <= 0 or any(len(each) != count for each in self._series()):
            raise InvalidArgument("INVALID_VALUE", "a record is one raster of intervals")

    @property
    def count(self) -> int:
        """Number of intervals."""
        return len(self.temperature_celsius)

    @property
    def per_day(self) -> int:
        """Intervals of a day."""
        return round(24.0 / self.hours)

    def part(self, first: int, end: int) -> "ZoneRecord":
        """Return the intervals from `first` to before `end`."""
        return replace(
            self,
            **{
                name: value[first:end]
                for name in _SERIES
                if (value := getattr(self, name)) is not None
            },
        )

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which intervals have all that the zone's temperature follows from, shape (count,)."""
        known = np.isfinite(self.outdoor_celsius)
        known &= np.isfinite(self.heating_w) & np.isfinite(self.cooling_w)
        for each in (self.sun, self.occupancy_ratio):
            if each is not None:
                known &= np.isfinite(each)
        return known

    def _series(self) -> "list[Floats]":
        return [value for name in _SERIES if (value := getattr(self, name)) is not None]


_SERIES = (
    "temperature_celsius",
    "outdoor_celsius",
    "heating_w",
    "cooling_w",
    "hour_of_day",
    "sun",
    "occupancy_ratio",
)


def varies(values: Floats | None) -> bool:
    """Return whether a series says anything: it is there, and not always the same."""
    if values is None or not np.isfinite(values).any():
        return False
    return bool(np.nanmax(values) - np.nanmin(values) > _PEOPLE_SHOW_ABOVE)


def stands_still(temperatures: Floats) -> bool:
    """Return whether a thermometer has shown one and the same value all along: it is stuck.

    No zone that is lived in keeps its temperature to the last digit for a day.
    """
    known = temperatures[np.isfinite(temperatures)]
    return len(known) > len(temperatures) // 2 and bool(np.ptp(known) == 0.0)
