"""The temperature of past days as it was forecast when they began: what trainings may learn from.

What was measured afterwards would flatter a model that is asked with forecasts; so hours of which
nothing was told by then are absent, and the model learns to do without.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.weather.ports import WeatherStore
from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.training import TrainingOrder
from wattmesh_forecast.domain.weather.columns import Quantity
from wattmesh_forecast.domain.weather.known import Candidate, known_weather
from wattmesh_forecast.domain.weather.told import WeatherKind
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time

MOST_PLACES = 20
"""Two short queries a day of each; the assets of further places are learnt from without weather."""
_DAY = timedelta(days=1)


class ToldAhead:
    """Reads what was known at the beginning of each day (UTC)."""

    def __init__(self, store: WeatherStore, sites: FollowedSites) -> None:
        self._store = store
        self._sites = sites

    async def __call__(self, order: TrainingOrder) -> Mapping[AssetId, Series]:
        """Return the air's temperature [°C] at the loads of an order, by the hour.

        Empty where nobody tells weather. Error: Unavailable.
        """
        if order.model != Kind.LOAD.value or not await self._store.any():
            return {}
        placed = [each for each in self._sites.required(order.assets) if each.location is not None]
        places = list(dict.fromkeys(each.location for each in placed))[:MOST_PLACES]
        told = {
            place: await self._temperature(place, order.range)
            for place in places
            if place is not None
        }
        return {
            each.asset: found
            for each in placed
            if each.location is not None and (found := told.get(each.location)) is not None
        }

    async def _temperature(self, place: Location, span: TimeRange) -> Series | None:
        start, days = floor_time(span.start, _DAY), list[Floats]()
        while start + len(days) * _DAY < span.end:
            day = TimeRange.of(start + len(days) * _DAY, _DAY)
            found = await self._store.candidates(place, day, day.start)
            days.append(await asyncio.to_thread(_known, found, day))
        values = np.concatenate(days) if days else np.empty(0)
        return Series(start, HOUR, values) if np.isfinite(values).any() else None


def _known(found: Sequence[Candidate], day: TimeRange) -> Floats:
    told = [each for each in found if each.kind is not WeatherKind.CLIMATOLOGY]
    known = known_weather(told, day, HOUR).columns.get(Quantity.TEMPERATURE)
    return np.full(day.count(HOUR), np.nan) if known is None else known
