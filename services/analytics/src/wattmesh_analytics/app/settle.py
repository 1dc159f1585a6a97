"""Settle days, and settle them again when what they were made from has changed."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from wattmesh_analytics.app.ports import KnownTariffs
from wattmesh_analytics.app.question import RESOLUTION, SiteAssets, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_tariffs import ReadTariffs, SiteTariff
from wattmesh_analytics.domain.bills import history_start
from wattmesh_analytics.domain.settlement import Settled, Settlement, settle
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Aborted, NotFound
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.tariff import BillingState, bill
from wattmesh_kernel.time import TimeRange, ceil_time, local_day
from wattmesh_sitemodel.view import SiteModelView

MOST_DAYS = 400
_DAY = timedelta(days=1)
_TRIES = 3
"""The background settles days as well; whoever is second finds them settled."""
_AHEAD = 31
"""How many days are looked at at a time for what an earlier one carries over."""


class SettlementStore(Protocol):
    """Where settlements are kept, each version for good."""

    async def newest(self, site: SiteId, first: date, last: date) -> Mapping[date, Settled]:
        """Return the newest version of each day from `first` to `last`."""

    async def put(self, settled: Sequence[Settled]) -> None:
        """Keep versions. Error: Aborted when somebody else has kept one of them."""

    async def get(self, site: SiteId, day: date, version: int) -> Settlement | None:
        """Return a version; 0: the newest."""

    async def page(
        self,
        site: SiteId,
        span: TimeRange | None,
        after: tuple[date, int] | None,
        limit: int,
        *,
        all_versions: bool,
    ) -> Sequence[Settlement]:
        """Return settlements by day and version, behind a place in that order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettledSite:
    """What changed, by day, and how many days of readings were looked at."""

    changed: tuple[Settlement, ...]
    days_read: int


class SettleSite:
    """Settles days of a site; what has not changed is left as it is."""

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        energy: ReadEnergy,
        tariffs: KnownTariffs,
        store: SettlementStore,
    ) -> None:
        self._clock = clock
        self._view = view
        self._energy = energy
        self._tariffs = ReadTariffs(view, tariffs)
        self._store = store

    async def __call__(self, site: SiteId, span: TimeRange) -> SettledSite:
        """Settle the days that begin in a range and are over.

        A day that leaves another peak or other tiers behind than before has those after it, up to
        the first that is not touched, settled from the energies that are kept.
        What somebody else settles at the same time is looked at again.
        Errors: as `site_assets`; NotFound `TARIFF_NOT_FOUND`; Aborted when somebody else
        settles them again and again.
        """
        for _ in range(_TRIES - 1):
            with suppress(Aborted):
                return await self._settle(site, span)
        return await self._settle(site, span)

    async def _settle(self, site: SiteId, span: TimeRange) -> SettledSite:
        assets = site_assets(self._view, site)
        days = self._days(span, assets.zone)
        if not days:
            return SettledSite(changed=(), days_read=0)
        found = self._tariffs.current(assets.site)
        whole = TimeRange(days[0].start, days[-1].end)
        tariff = await self._tariffs.priced(found, whole)
        energy = await self._energy(assets, whole, RESOLUTION)
        first, last = (day.start.astimezone(assets.zone).date() for day in (days[0], days[-1]))
        kept = await self._store.newest(site, first - _DAY, last)
        state = await self._state_before(assets, found, days[0], kept.get(first - _DAY))
        changed = list[Settled]()
        for day in days:
            before = kept.get(day.start.astimezone(assets.zone).date())
            part = energy.grid.window(day)
            of_day = replace(tariff, id=found.name_at(day.start))
            made = settle(site, of_day, part, assets.zone, state, before, self._clock.now())
            if made is not None:
                changed.append(made)
            newest = made or before
            assert newest is not None  # what is not kept is made
            state = newest.settlement.last_state
        changed += await self._carried_over(assets, found, last, state)
        await self._store.put(changed)
        return SettledSite(changed=tuple(each.settlement for each in changed), days_read=len(days))

    async def _carried_over(
        self, assets: SiteAssets, found: SiteTariff, last: date, state: BillingState | None
    ) -> list[Settled]:
        """Return the days after the last that begin otherwise than they were settled with."""
        site, zone = assets.site.id, assets.zone
        changed = list[Settled]()
        while True:
            following = await self._store.newest(site, last + _DAY, last + _AHEAD * _DAY)
            for offset in range(1, _AHEAD + 1):
                before = following.get(last + offset * _DAY)
                if before is None or before.settlement.first_state == state:
                    return changed
                span = before.settlement.range
                tariff = await self._tariffs.priced(found, span)
                tariff = replace(tariff, id=found.name_at(span.start))
                made = settle(site, tariff, before.energy, zone, state, before, self._clock.now())
                assert made is not None  # it begins with another state
                changed.append(made)
                state = made.settlement.last_state
            last += _AHEAD * _DAY

    async def _state_before(
        self, assets: SiteAssets, found: SiteTariff, day: TimeRange, before: Settled | None
    ) -> BillingState | None:
        """Return what the time before a day leaves: as settled, or reckoned from readings."""
        if before is not None and before.settlement.tariff == found.name_at(
            before.settlement.range.start
        ):
            return before.settlement.last_state
        begin = history_start(found.rules, day.start, assets.zone, RESOLUTION)
        if begin >= day.start:
            return None
        past = TimeRange(begin, day.start)
        tariff = await self._tariffs.priced(found, past)
        energy = (await self._energy(assets, past, RESOLUTION)).grid
        return bill(tariff, energy.import_wh, energy.export_wh, assets.zone).state

    def _days(self, span: TimeRange, zone: ZoneInfo) -> list[TimeRange]:
        """Return the days that begin in a range and are over, on the raster."""
        now, days = self._clock.now(), list[TimeRange]()
        day = span.start.astimezone(zone).date()
        require(span.duration <= (MOST_DAYS + 1) * _DAY, "RANGE_TOO_LONG", "too many days", "range")
        while (whole := local_day(day, zone)).start < span.end:
            on_raster = TimeRange(*(ceil_time(end, RESOLUTION) for end in (whole.start, whole.end)))
            if span.contains(whole.start) and on_raster.end <= now:
                days.append(on_raster)
            day += _DAY
        return days


async def settlement_of(
    store: SettlementStore, site: SiteId, day: date, version: int
) -> Settlement:
    """Return a version of a day; 0: the newest. Error: NotFound."""
    found = await store.get(site, day, version)
    if found is None:
        raise NotFound("SETTLEMENT_NOT_FOUND", f"{day} of {site} has no such settlement")
    return found
