"""Settle days by itself: each once it is over, and again when late readings have changed it."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_analytics.app.ports import DayMeter
from wattmesh_analytics.app.question import site_assets
from wattmesh_analytics.app.settle import SettleSite
from wattmesh_analytics.domain.day_totals import DayTotals
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Aborted, Unavailable, WattmeshError
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange, local_days
from wattmesh_runtime.aio.containment import Containment
from wattmesh_runtime.aio.leases import Lease
from wattmesh_sitemodel.view import SiteModelView

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=62)
"""Readings that come later than this settle nothing by themselves: `SettleSite` does."""


Seen: TypeAlias = dict[SiteId, tuple[Tariff, dict[datetime, DayTotals]]]
"""What each site's days came to when they were looked at, by their start, and its tariff then."""


class KeepSettled:
    """Looks at each site's days every few hours, and settles those alone that have changed.

    What days come to is asked in one question a site. It is remembered while this process holds the
    lease: whoever takes over looks at all days once, which changes nothing that is settled already.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        meter: DayMeter,
        settle: SettleSite,
        every: timedelta,
    ) -> None:
        self._clock = clock
        self._view = view
        self._meter = meter
        self._settle = settle
        self._every = every

    async def __call__(self, lease: Lease) -> None:
        """Keep all sites settled for ever."""
        seen: Seen = {}
        contained = Containment(log, "settling days")
        await self._view.wait_known()
        while True:
            for site in list(self._view.model.sites.values()):
                with contained.each(site.name):
                    try:
                        await self.look(site, seen)
                    except (Unavailable, Aborted) as error:
                        log.info("%s is settled next time: %s", site.name, error)
                    except WattmeshError as error:
                        log.debug("%s is not settled: %s", site.name, error)
            await self._clock.sleep_until(self._clock.now() + self._every)

    async def look(self, site: Site, seen: Seen) -> int:
        """Settle the days of a site that have changed, and return how many versions that made.

        Errors: as `SettleSite`.
        """
        tariff = self._view.model.tariff_of(site)
        if tariff is None:
            return 0
        days = self._days(site)
        before_tariff, before = seen.get(site.id, (tariff, {}))
        if before_tariff != tariff:
            before = {}
        totals = await self._meter.days(site_assets(self._view, site.id).grids, days)
        changed = [
            day
            for day in days
            if totals[day.start].known and not totals[day.start].same(before.get(day.start))
        ]
        made = 0
        for span in _runs(changed):
            made += len((await self._settle(site.id, span)).changed)
        seen[site.id] = tariff, dict(totals)
        return made

    def _days(self, site: Site) -> Sequence[TimeRange]:
        """Return the days of a site that are over, oldest first, the first of them whole."""
        now = self._clock.now()
        days = local_days(TimeRange(now - LOOK_BACK, now), site.zone)
        return days[1:-1]


def _runs(days: Iterable[TimeRange]) -> list[TimeRange]:
    """Return days that follow each other as one."""
    runs = list[TimeRange]()
    for day in days:
        if runs and runs[-1].end == day.start:
            runs[-1] = TimeRange(runs[-1].start, day.end)
        else:
            runs.append(day)
    return runs
