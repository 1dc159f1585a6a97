"""The weather at every place that is asked about, as it was told last; fetched in the background.

An issue never waits for it: what is not known yet is asked for, and there the next time. Every
report is stored with the time at which it was told.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from wattmesh_forecast.app.ports import WeatherSource, WeatherStore
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather import WeatherHours, WeatherReport
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange

log = logging.getLogger(__name__)

FRESH = timedelta(hours=1)
"""For how long a report is not asked for again: weather models run every few hours."""
BELIEVED = timedelta(days=2)
"""For how long an old report is used where no newer one can be had."""
AT_ONCE = 50
_AGAIN_AFTER_SECONDS = 60.0


class KeptWeather:
    """The newest report on each place."""

    def __init__(self, *, source: WeatherSource, store: WeatherStore, clock: Clock) -> None:
        self._source = source
        self._store = store
        self._clock = clock
        self._reports: dict[Location, WeatherReport] = {}
        self._due: set[Location] = set()
        self._some_due = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._away = False

    def known(self, place: Location, hours: TimeRange) -> WeatherHours | None:
        """Return the weather of every hour; None: nothing is known.

        May be called from any thread.
        """
        report, now = self._reports.get(place), self._clock.now()
        if report is None or now - report.issue_time >= FRESH:
            self._loop.call_soon_threadsafe(self._ask_for, place)
        if report is None or now - report.issue_time >= BELIEVED:
            return None
        return report.over(hours)

    def _ask_for(self, place: Location) -> None:
        self._due.add(place)
        self._some_due.set()

    async def __call__(self) -> None:
        """Fetch what is due, for ever; a source that is away is asked again after a minute."""
        while True:
            await self._some_due.wait()
            some = [self._due.pop() for _ in range(min(AT_ONCE, len(self._due)))]
            if not self._due:
                self._some_due.clear()
            if (wanted := await self._not_stored(some)) and not await self._fetch(wanted):
                # In the wall's time: a source elsewhere knows no other.
                await asyncio.sleep(_AGAIN_AFTER_SECONDS)

    async def _not_stored(self, places: Sequence[Location]) -> list[Location]:
        """Return the places of which no fresh report is stored; remember those that are."""
        now, wanted = self._clock.now(), list[Location]()
        for place in places:
            kept = self._reports.get(place)
            if kept is None and (kept := await self._stored(place)) is not None:
                self._reports[place] = kept
            if kept is None or now - kept.issue_time >= FRESH:
                wanted.append(place)
        return wanted

    async def _stored(self, place: Location) -> WeatherReport | None:
        try:
            return await self._store.newest(place, self._clock.now())
        except WattmeshError:
            return None

    async def _fetch(self, places: Sequence[Location]) -> bool:
        try:
            reports = await self._source.reports(places)
            self._reports |= {report.place: report for report in reports}
            await self._store.add(reports)
        except WattmeshError as error:
            if not self._away:
                log.warning("no weather: %s", error)
            self._away = True
            return False
        if self._away:
            log.info("the weather is told again")
        self._away = False
        return True
