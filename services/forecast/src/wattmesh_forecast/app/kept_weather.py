"""The weather at every place that is asked about, as it is known now; read in the background.

An issue never waits for it: what is not known yet is asked for, and there the next time. Where a
service tells weather on request it is asked, and every report is stored with the time at which it
was told, beside those that others publish.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_forecast.app.weather.ports import WeatherStore, WeatherTeller
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.hours import WeatherHours
from wattmesh_forecast.domain.weather.known import Candidate, Known, known_weather
from wattmesh_forecast.domain.weather.told import WeatherKind
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange, floor_time

log = logging.getLogger(__name__)

FRESH = timedelta(hours=1)
"""For how long a service is not asked again: weather models run every few hours."""
BELIEVED = timedelta(days=2)
"""For how long an old forecast is used where no newer one can be had."""
READ_AGAIN = timedelta(minutes=15)
"""How often it is looked for what others have published."""
LOOK_BACK, LOOK_AHEAD = timedelta(days=46), timedelta(days=9)
AT_ONCE = 50
_AGAIN_AFTER_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Kept:
    """What is known of a place, when it was read, and when the service told of it last."""

    known: Known
    read_time: datetime
    told_time: datetime | None


class KeptWeather:
    """The weather at each place, read anew every quarter of an hour."""

    def __init__(self, *, teller: WeatherTeller | None, store: WeatherStore, clock: Clock) -> None:
        self._teller = teller
        self._store = store
        self._clock = clock
        self._kept: dict[Location, _Kept] = {}
        self._due: set[Location] = set()
        self._some_due = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._away = False
        self._silent_until: datetime | None = None
        """Until when nobody is taken to tell weather, of any place."""

    def known(self, place: Location, hours: TimeRange) -> WeatherHours | None:
        """Return the weather of every hour; None: nothing is known.

        May be called from any thread.
        """
        now, kept = self._clock.now(), self._kept.get(place)
        if self._silent_until is not None and now < self._silent_until:
            return None
        if kept is None or now - kept.read_time >= READ_AGAIN:
            self._loop.call_soon_threadsafe(self._ask_for, place)
        if kept is None:
            return None
        found = WeatherHours.of(kept.known, hours)
        return None if found.nothing else found

    def look_again(self) -> None:
        """Read every place again: somebody has published weather."""
        self._silent_until = None
        for place in self._kept:
            self._ask_for(place)

    def _ask_for(self, place: Location) -> None:
        self._due.add(place)
        self._some_due.set()

    async def __call__(self) -> None:
        """Read and fetch what is due, for ever; a service that is away is asked a minute later."""
        while True:
            await self._some_due.wait()
            some = [self._due.pop() for _ in range(min(AT_ONCE, len(self._due)))]
            if not self._due:
                self._some_due.clear()
            if await self._silent():
                self._due.clear()
                self._some_due.clear()
                continue
            wanted = [place for place in some if await self._read(place)]
            if not wanted:
                continue
            if await self._fetch(wanted):
                for place in wanted:
                    await self._read(place)
            else:
                # In the wall's time: a service elsewhere knows no other.
                await asyncio.sleep(_AGAIN_AFTER_SECONDS)

    async def _silent(self) -> bool:
        """Return whether nobody tells weather: then places are not looked at one by one."""
        if self._teller is not None:
            return False
        now = self._clock.now()
        try:
            silent = not await self._store.any()
        except WattmeshError:
            silent = True
        self._silent_until = now + READ_AGAIN if silent else None
        return silent

    async def _read(self, place: Location) -> bool:
        """Read what was told of a place; return whether the service is to be asked."""
        now = self._clock.now()
        start = floor_time(now, HOUR)
        span = TimeRange(start - LOOK_BACK, start + LOOK_AHEAD)
        try:
            found = await self._store.candidates(place, span, now)
        except WattmeshError:
            return False
        # What is usual is no forecast: patterns of the asset's own say that better.
        told = [each for each in found if each.kind is not WeatherKind.CLIMATOLOGY]
        believed = {
            each.report.name: start
            for each in told
            if each.kind is WeatherKind.FORECAST and now - each.report.issue_time >= BELIEVED
        }
        known = await asyncio.to_thread(known_weather, told, span, HOUR, believed)
        newest = self._newest(told)
        self._kept[place] = _Kept(known=known, read_time=now, told_time=newest)
        return self._teller is not None and (newest is None or now - newest >= FRESH)

    def _newest(self, told: Sequence[Candidate]) -> datetime | None:
        if self._teller is None:
            return None
        name = self._teller.source.segment
        times = [each.report.issue_time for each in told if each.report.source == name]
        return max(times, default=None)

    async def _fetch(self, places: Sequence[Location]) -> bool:
        assert self._teller is not None
        try:
            await self._store.add(self._teller.source, await self._teller.reports(places))
        except WattmeshError as error:
            if not self._away:
                log.warning("no weather: %s", error)
            self._away = True
            return False
        if self._away:
            log.info("the weather is told again")
        self._away = False
        return True
