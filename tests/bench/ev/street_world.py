"""The street's charge points and who comes to them, and what they take when told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from wattmesh_kernel.sites import Node
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_twin.adapters.data.folder import load_folder
from wattmesh_twin.domain.charger import Charger, ChargerState, FixedOffer, Visit
from wattmesh_twin.domain.dataset import SiteMeasurements
from wattmesh_twin.domain.tariff import published_tariff
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A, VOLTAGE_V

HOUR = timedelta(hours=1)
STEP = timedelta(minutes=1)
PAST = timedelta(weeks=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A site with charge points, and who comes in a span; `past` visits are over before it."""

    name: str
    span: TimeRange
    nodes: tuple[Node, ...]
    points: Mapping[str, Sequence[Visit]]
    past: Sequence[Visit]
    limit_w: float | None


@dataclass(kw_only=True, slots=True)
class Taken:
    """What a visit has drawn in each interval of an hour, and what it was told."""

    point: str
    visit: Visit
    hours_wh: dict[datetime, float] = field(default_factory=dict)
    told_a: list[tuple[datetime, float]] = field(default_factory=list)

    @property
    def charged_wh(self) -> float:
        """All that it has drawn [Wh]."""
        return sum(self.hours_wh.values())

    def add(self, moment: datetime, drawn_wh: float) -> None:
        """Count what it draws from a moment on."""
        hour = floor_time(moment, HOUR)
        self.hours_wh[hour] = self.hours_wh.get(hour, 0.0) + drawn_wh

    @property
    def missed_wh(self) -> float:
        """What it wanted and did not get [Wh]."""
        return max(self.visit.wanted_wh - self.charged_wh, 0.0)


class Point:
    """A charge point that follows what it is told."""

    def __init__(self, visits: Sequence[Visit], begin: datetime, offered_a: float) -> None:
        self.charger = Charger(visits=visits)
        self.state = ChargerState(time=begin)
        self.offered_a = offered_a

    def advance(self, until: datetime) -> float:
        """Return what it draws until then [Wh]."""
        before = self.state.import_wh
        self.state = self.charger.advance(self.state, FixedOffer(offered_a=self.offered_a), until)
        return self.state.import_wh - before

    @property
    def power_w(self) -> float:
        """What it draws now [W]."""
        return self.charger.power_w(self.state, FixedOffer(offered_a=self.offered_a))


def read_places(folder: Path, start: date, days: int) -> tuple[list[Place], Tariff, ZoneInfo]:
    """Return the sites of the street that vehicles come to, with its tariff."""
    data = load_folder(folder, "1-6")
    begin, end = (
        datetime.combine(day, time(), data.zone).astimezone(UTC)
        for day in (start, start + timedelta(days=days))
    )
    span = TimeRange(begin, end)
    places = [_place(site, span) for site in data.sites if site.visits]
    return places, published_tariff(data.prices, data.zone), data.zone


def _place(site: SiteMeasurements, span: TimeRange) -> Place:
    """Return a site with who comes and leaves in a span, and who left in the weeks before."""
    limits = [each.max_import_power_w for each in site.spec.nodes]
    before = TimeRange(span.start - PAST, span.start)
    return Place(
        name=site.spec.id.segment,
        span=span,
        nodes=site.spec.nodes,
        points={
            id_: [v for v in known if v.arrival >= span.start and v.departure < span.end]
            for id_, known in site.visits.items()
        },
        past=[v for known in site.visits.values() for v in known if before.contains(v.departure)],
        limit_w=limits[0] if limits else None,
    )


def at_once(place: Place, *, limited: bool) -> list[Taken]:
    """Return what visits take when charged at once; first come first served where limits count."""
    points = {id_: Point(each, place.span.start, 0.0) for id_, each in place.points.items()}
    taken = {(id_, v): Taken(point=id_, visit=v) for id_, vs in place.points.items() for v in vs}
    limit_w = place.limit_w if limited and place.limit_w is not None else math.inf
    for moment in place.span.starts(STEP):
        _share(points, limit_w)
        for id_, point in points.items():
            visit, drawn_wh = point.state.visit, point.advance(moment + STEP)
            if visit is not None:
                taken[id_, visit].add(moment, drawn_wh)
    return list(taken.values())


def _share(points: Mapping[str, Point], left_w: float) -> None:
    """Offer each vehicle all that is left, in the order in which they came."""
    there = [
        (visit, point) for point in points.values() if (visit := point.state.visit) is not None
    ]
    for visit, point in sorted(there, key=lambda each: each[0].arrival):
        share_a = min(visit.vehicle.max_current_a, left_w / (3 * VOLTAGE_V))
        point.offered_a = share_a if share_a >= LEAST_CURRENT_A else 0.0
        left_w -= point.power_w
