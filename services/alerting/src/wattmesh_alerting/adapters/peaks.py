"""The running demand interval of each site beside the peaks of its billing period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_alerting.adapters.day_costs import money
from wattmesh_alerting.adapters.energies import Energies, grid_connection
from wattmesh_alerting.domain.condition import Condition, News, survey
from wattmesh_alerting.domain.latch import Latch
from wattmesh_alerting.domain.peaks import (
    LEAST_KNOWN,
    LOOK_BACK,
    PeakAhead,
    PeaksSoFar,
    peaks_ahead,
    peaks_so_far,
    resolution_of,
)
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_sitemodel.view import SiteModelView

_MINUTE = timedelta(minutes=1)
_BEGINS, _ENDS = 1.0, 0.95
"""Against what is billed anyhow."""
_REFRESHED_AT_ONCE = 20
"""So many sites' past is read anew in one look at most; the others' is in the next ones."""
_ASKED_AT_ONCE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class _Watched:
    """A site with demand charges, and what was before the running interval, from `start` on."""

    site: Site
    connection: AssetId
    tariff: Tariff
    start: datetime
    so_far: PeaksSoFar


class Peaks:
    """Looks at the running demand intervals."""

    def __init__(self, energies: Energies, view: SiteModelView, clock: Clock) -> None:
        self._energies = energies
        self._view = view
        self._clock = clock
        self._watched: dict[SiteId, _Watched] = {}
        self._latch = Latch()

    async def __call__(self) -> list[News]:
        """Return what holds by them. Error: Unavailable."""
        now = self._clock.now()
        await self._refresh(now)
        end = floor_time(now, _MINUTE)
        ready = [each for each in self._watched.values() if end - each.start >= LEAST_KNOWN]
        conditions = list[Condition]()
        for start in {each.start for each in ready}:
            alike = [each for each in ready if each.start == start]
            for first in range(0, len(alike), _ASKED_AT_ONCE):
                conditions += await self._judged(
                    alike[first : first + _ASKED_AT_ONCE], TimeRange(start, end), now
                )
        return [survey((Rule.PEAK_NEAR,), conditions, now)]

    async def _judged(
        self, watched: Sequence[_Watched], span: TimeRange, now: datetime
    ) -> list[Condition]:
        found = await self._energies.of([each.connection.name for each in watched], span, _MINUTE)
        return [
            condition
            for each in watched
            for condition in self._conditions(
                each,
                peaks_ahead(
                    each.tariff,
                    each.so_far,
                    found[each.connection].import_wh,
                    now,
                    each.site.zone,
                ),
                now,
            )
        ]

    def _conditions(
        self, watched: _Watched, ahead: Sequence[PeakAhead], now: datetime
    ) -> list[Condition]:
        """Return the dearest of a site's peaks ahead, if there is one."""
        near = [
            each
            for each in ahead
            if each.highest_kw > 0
            and self._latch.holds(
                (watched.site.id, each.charge_id),
                each.expected_kw / each.highest_kw,
                begins=_BEGINS,
                ends=_ENDS,
            )
        ]
        if not near:
            return []
        dearest = max(near, key=lambda each: (each.cost, each.expected_kw / each.highest_kw))
        return [_condition(watched, dearest, now)]

    async def _refresh(self, now: datetime) -> None:
        """Read the past anew of sites whose running interval is another one than before."""
        wanted = self._wanted()
        self._watched = {
            site: each
            for site, each in self._watched.items()
            if site in wanted
            and wanted[site][2] == each.tariff
            and each.start == floor_time(now, resolution_of(each.tariff))
        }
        stale = [each for site, each in wanted.items() if site not in self._watched]
        for site, connection, tariff in stale[:_REFRESHED_AT_ONCE]:
            resolution = resolution_of(tariff)
            start = floor_time(now, resolution)
            span = TimeRange(start - LOOK_BACK, start)
            found = await self._energies.of([connection.name], span, resolution)
            so_far = peaks_so_far(tariff, found[connection].import_wh, site.zone)
            self._watched[site.id] = _Watched(
                site=site, connection=connection, tariff=tariff, start=start, so_far=so_far
            )

    def _wanted(self) -> Mapping[SiteId, tuple[Site, AssetId, Tariff]]:
        """Return the sites that pay for peaks, with connection and tariff."""
        model = self._view.model
        found = dict[SiteId, tuple[Site, AssetId, Tariff]]()
        for site in model.sites.values():
            tariff = model.tariff_of(site)
            connection = grid_connection(model, site.id)
            if tariff is not None and tariff.has_demand_charges and connection is not None:
                found[site.id] = site, connection.id, tariff
        return found


def _condition(watched: _Watched, ahead: PeakAhead, now: datetime) -> Condition:
    left = max(ahead.end - now, timedelta(0))
    cost = money(ahead.cost, watched.tariff.currency_code)
    return Condition(
        rule=Rule.PEAK_NEAR,
        subject=watched.site.name,
        since=now,
        site=watched.site.id,
        description=(
            f"{ahead.name}: this interval is on its way to {ahead.expected_kw:.2f} kW,"
            f" {ahead.highest_kw:.2f} kW are billed anyhow;"
            f" {left / _MINUTE:.0f} min are left, and {cost} are at stake"
        ),
        value=ahead.expected_kw,
        threshold=ahead.highest_kw,
        unit="kW",
        time_left=left,
        at_stake=cost,
        links=(watched.tariff.id.name, watched.connection.name),
    )
