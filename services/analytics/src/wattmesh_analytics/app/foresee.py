"""Plan past days with foresight, one after the other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from wattmesh_analytics.app.question import Span
from wattmesh_analytics.app.scenario_ports import Solver
from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_analytics.domain.scenario import (
    Planned,
    Window,
    days_with_foresight,
    usable,
    with_batteries,
)
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_analytics.domain.tank_replay import TankReplay
from wattmesh_analytics.domain.visits import Visit
from wattmesh_analytics.domain.work import Work
from wattmesh_analytics.domain.zone_replay import ZoneReplay
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import BillingState, Tariff, bill
from wattmesh_kernel.time import TimeRange

Tell = Callable[[float, str], Awaitable[None]]


@dataclass(kw_only=True, slots=True)
class Movable:
    """What is planned, and how it stands as days pass.

    Zones and tanks have the intervals of the span alone. `ends`: how full batteries have to be when
    all ends.
    """

    batteries: Mapping[AssetId, BatteryRating] = field(default_factory=dict)
    socs: dict[AssetId, float] = field(default_factory=dict)
    ends: Mapping[AssetId, float] = field(default_factory=dict)
    visits: Sequence[Visit] = ()
    zones: Mapping[AssetId, ZoneReplay] = field(default_factory=dict)
    tanks: Mapping[AssetId, TankReplay] = field(default_factory=dict)
    work: Sequence[Work] = ()
    most_import_w: float | None = None
    given_wh: float = 0.0

    @property
    def anything(self) -> bool:
        """Whether there is something to plan."""
        return bool(self.batteries or self.visits or self.zones or self.tanks or self.work)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Day:
    """A day that is kept: where it begins in the site's intervals and in the span's, how long."""

    start: datetime
    at: int
    first: int
    keep: int
    count: int


class Foresee:
    """Has each day solved knowing it and the next, and keeps the day."""

    def __init__(self, solver: Solver) -> None:
        self._solver = solver

    async def __call__(
        self, rest: SiteEnergy, movable: Movable, tariff: Tariff, span: Span, tell: Tell
    ) -> Energy:
        """Return the exchange of a site whose movable assets are planned; they move on.

        `rest` is the site without them. What comes before the span is billed for its peaks and
        tiers alone. Error: Unavailable.
        """
        state = _state_before(tariff, rest, span)
        net_wh, hours = np.zeros(len(rest.grid.import_wh)), rest.grid.hours
        for day, known in days_with_foresight(span.range, rest.zone, span.resolution):
            ratio = (day.start - span.range.start) / span.range.duration
            await tell(ratio, f"planning {day.start.astimezone(rest.zone):%Y-%m-%d}")
            at = (day.start - rest.grid.range.start) // span.resolution
            window = _Day(
                start=rest.grid.range.start + at * span.resolution,
                at=at,
                first=at - (span.range.start - rest.grid.range.start) // span.resolution,
                keep=day.count(span.resolution),
                count=known.count(span.resolution),
            )
            last = known.end == span.range.end
            asked = _window(rest, movable, tariff, state, span, window, last=last)
            planned = await self._solver.solve(asked)
            net_wh[window.at : window.at + window.keep] += _moved_on(
                movable, planned, window, hours
            )
            done = TimeRange.of(window.start, window.keep * span.resolution)
            part = with_batteries(rest, net_wh).window(done)
            state = bill(tariff, part.import_wh, part.export_wh, rest.zone, state).state
        return with_batteries(rest, net_wh)


def _window(
    rest: SiteEnergy,
    movable: Movable,
    tariff: Tariff,
    state: BillingState | None,
    span: Span,
    day: _Day,
    *,
    last: bool,
) -> Window:
    end = day.start + day.count * span.resolution
    zones = {name: each.window(day.first, day.count) for name, each in movable.zones.items()}
    tanks = {name: each.window(day.first, day.count) for name, each in movable.tanks.items()}
    return Window(
        site=rest.site,
        zone=rest.zone,
        start=day.start,
        resolution=span.resolution,
        rest_w=usable(rest.grid.net_wh[day.at : day.at + day.count]) / rest.grid.hours,
        batteries=movable.batteries,
        soc_ratios=movable.socs,
        tariff=tariff,
        state=state,
        keep=day.keep,
        final_soc_ratios=movable.ends if last else {},
        most_import_w=movable.most_import_w,
        visits=[
            each for each in movable.visits if each.range.start < end and each.range.end > day.start
        ],
        zones={name: each for name, each in zones.items() if each is not None},
        tanks={name: each for name, each in tanks.items() if each is not None},
        work=[
            each
            for each in movable.work
            if each.range.start < end and each.range.end > day.start and not each.done
        ],
    )


def _moved_on(movable: Movable, planned: Planned, day: _Day, hours: float) -> Floats:
    """Have a day pass, and return what was planned to be taken in it [Wh], shape (keep,)."""
    net_wh = np.zeros(day.keep)
    movable.socs = dict(planned.soc_ratios)
    for powers_w in planned.powers_w.values():
        net_wh += powers_w * hours
        movable.given_wh += float(np.maximum(-powers_w, 0).sum()) * hours
    for visit in movable.visits:
        powers_w = planned.visits_w.get(visit.name, np.zeros(day.keep))
        visit.take(powers_w, hours)
        net_wh += powers_w * hours
    for name, zone in movable.zones.items():
        if name in planned.zones_w:
            zone.keep(day.first, *planned.zones_w[name])
        else:
            zone.skip(day.first, day.keep)
        net_wh += zone.taken_wh(day.first, day.keep)
    for name, tank in movable.tanks.items():
        if name in planned.tanks_w:
            tank.keep(day.first, planned.tanks_w[name])
        else:
            tank.skip(day.first, day.keep)
        net_wh += tank.taken_wh(day.first, day.keep)
    for run in movable.work:
        powers_w = planned.work_w.get(run.name, np.zeros(day.keep))
        run.take(powers_w)
        net_wh += powers_w * hours
    return net_wh


def _state_before(tariff: Tariff, energy: SiteEnergy, span: Span) -> BillingState | None:
    if energy.grid.range.start >= span.range.start:
        return None
    before = energy.grid.window(TimeRange(energy.grid.range.start, span.range.start))
    return bill(tariff, before.import_wh, before.export_wh, energy.zone).state
