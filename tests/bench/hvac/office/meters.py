"""What the office's meters showed, as forecast reads it: nothing that is yet to come."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from tests.bench.hvac.office.building import QUARTER, REST, ZONES, Season
from tests.bench.hvac.office.environment import Metered
from wattmesh_forecast.domain.hours import Floats
from wattmesh_kernel.ids import AssetId, DeviceId, PointId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

TEMPERATURE, OUTDOOR = "temperature_celsius", "outdoor_temperature_celsius"
SUN, PEOPLE = "irradiance_w_per_m2", "occupancy_ratio"


def point_of(zone: AssetId, quantity: str) -> PointId:
    """Return a point of a zone's device."""
    return PointId(DeviceId(zone.site, zone.segment), quantity)


class OfficeMeters:
    """Points and powers by the quarter of an hour; occupancy as a share of the most ever seen."""

    def __init__(self, season: Season) -> None:
        self._season = season
        self._points: defaultdict[PointId, list[float]] = defaultdict(list)
        self._powers: defaultdict[AssetId, list[float]] = defaultdict(list)
        self._most_people = [1.0] * len(ZONES)

    def add(self, metered: Metered) -> None:
        """Take in a quarter of an hour that is over."""
        powers = metered.cooling_w if self._season.cooled else metered.heating_w
        for index, zone in enumerate(ZONES):
            self._most_people[index] = max(self._most_people[index], metered.people[index])
            share = metered.people[index] / self._most_people[index]
            for quantity, value in (
                (TEMPERATURE, round(metered.temperature_celsius[index], 1)),
                (OUTDOOR, metered.outdoor_celsius),
                (SUN, metered.irradiance_w_per_m2),
                (PEOPLE, share),
            ):
                self._points[point_of(zone, quantity)].append(value)
            self._powers[zone].append(powers[index])
        self._powers[REST].append(metered.facility_w - sum(powers))

    def newest(self, point: PointId) -> float:
        """Return the newest value of a point."""
        return self._points[point][-1]

    async def mean(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        """Return means per interval, NaN where one is not complete."""
        return self._means(self._points[point], span, resolution)

    async def last(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        """Return the newest reading at each interval's start."""
        values, step = self._points[point], round(resolution / QUARTER)
        first = round((span.start - self._season.start) / QUARTER) - 1
        found = [
            values[at] if 0 <= (at := first + index * step) < len(values) else np.nan
            for index in range(span.count(resolution))
        ]
        return Series(span.start, resolution, np.array(found))

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        """Return mean powers per interval [W]."""
        return {each: self._means(self._powers[each], span, resolution) for each in assets}

    def hourly_w(self, asset: AssetId) -> Floats:
        """Return an asset's power by the whole hours that are over, from the first day on [W]."""
        values = np.array(self._powers[asset])
        return np.asarray(values[: len(values) // 4 * 4].reshape(-1, 4).mean(axis=1))

    def _means(self, values: Sequence[float], span: TimeRange, resolution: timedelta) -> Series:
        step, count = round(resolution / QUARTER), span.count(resolution)
        first = round((span.start - self._season.start) / QUARTER)
        padded = np.full(count * step, np.nan)
        known = range(max(first, 0), min(first + count * step, len(values)))
        if len(known):
            padded[known.start - first : known.stop - first] = values[known.start : known.stop]
        return Series(span.start, resolution, padded.reshape(count, step).mean(axis=1))
