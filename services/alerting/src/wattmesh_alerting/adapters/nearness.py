"""How near powers are to ratings of connections and to limits that owners have set."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from wattmesh_alerting.adapters.energies import grid_connection
from wattmesh_alerting.adapters.newest import NewestReadings, measured
from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.nearness import Bound, Nearness, Sample, bounds_of, nearest
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.ids import DeviceId, GroupId, SiteId
from wattmesh_kernel.sites import GridConnectionRating, MeterRole, SiteGroup, SiteModel

Limits: TypeAlias = Mapping[str, Sequence[Bound]]
"""The bounds that owners have set, by the name of their subject: sites, groups, devices."""


class LimitsInForce(Protocol):
    """Whoever knows what owners have set."""

    def in_force(self, now: datetime) -> Limits:
        """Return the bounds on each subject."""


POWER = "active_power_w"
_MOST_LINKS = 10
FRESH = timedelta(minutes=5)
"""A power that is older says nothing of now."""


class Powers:
    """Remembers the sample before of every subject, for the trend, and what held of it."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Sample | None, Sample]] = {}
        self._held: dict[str, Rule] = {}

    def held(self, subject: str) -> Rule | None:
        """Return which rule held of a subject when it was last judged."""
        return self._held.get(subject)

    def conditions(
        self,
        model: SiteModel,
        newest: NewestReadings,
        limits: Limits,
        now: datetime,
        only: Iterable[str] | None = None,
    ) -> list[Condition]:
        """Return which powers are near a bound, or beyond: of all subjects, or these."""
        subjects = _subjects(model, limits) if only is None else only
        found = (self._judge(each, model, newest, limits, now) for each in subjects)
        return [condition for condition in found if condition is not None]

    def _judge(
        self,
        subject: str,
        model: SiteModel,
        newest: NewestReadings,
        limits: Limits,
        now: datetime,
    ) -> Condition | None:
        site = None if subject.startswith("groups/") else SiteId(subject.split("/")[1])
        sample = _sample(model, subject, newest, now)
        condition = None
        if sample is None:
            self._seen.pop(subject, None)
        else:
            bounds = (*_rated(model, subject), *limits.get(subject, ()))
            near = nearest(sample, self._before(subject, sample), bounds)
            condition = None
            if near is not None:
                meters = _meters(model, subject, now)[:_MOST_LINKS]
                points = [f"{each.name}/points/{POWER}" for each in meters]
                condition = _condition(subject, site, sample, near, points)
        if condition is None:
            self._held.pop(subject, None)
        else:
            self._held[subject] = condition.rule
        return condition

    def _before(self, subject: str, sample: Sample) -> Sample | None:
        """Return the sample before; judged again, the same one has the same before it."""
        before, last = self._seen.get(subject, (None, None))
        if last is None or last.time < sample.time:
            before = last
            self._seen[subject] = before, sample
        return before


def watched_points(model: SiteModel, limits: Limits, now: datetime) -> Mapping[str, frozenset[str]]:
    """Return the points whose powers a bound is on, each with the subjects that it counts for."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for subject in _subjects(model, limits):
        if subject in limits or _rated(model, subject):
            for device in _meters(model, subject, now):
                found[f"{device.name}/points/{POWER}"].add(subject)
    return {point: frozenset(subjects) for point, subjects in found.items()}


def _subjects(model: SiteModel, limits: Limits) -> Iterator[str]:
    yield from (site.name for site in model.sites)
    yield from (each for each in limits if each.startswith("groups/") or "/devices/" in each)


def _meters(model: SiteModel, subject: str, now: datetime) -> list[DeviceId]:
    """Return the devices whose power is that of a subject, or a part of it."""
    if subject.startswith("groups/"):
        group = _group(model, subject)
        sites = () if group is None else group.sites
        return [device for site in sites for device in _meters(model, site.name, now)]
    if "/devices/" in subject:
        return [DeviceId.parse(subject)]
    connection = grid_connection(model, SiteId.parse(subject))
    if connection is None:
        return []
    return [
        meter.device.id
        for meter in model.meters_of(connection.id, now)
        if meter.function.meter_role is MeterRole.MAIN and POWER in meter.quantities
    ]


def _sample(model: SiteModel, subject: str, newest: NewestReadings, now: datetime) -> Sample | None:
    """Return the power of a subject; of a group it is not known unless it is of each site."""
    if not subject.startswith("groups/"):
        samples = (_of(device, newest, now) for device in _meters(model, subject, now))
        return next((each for each in samples if each is not None), None)
    group = _group(model, subject)
    sites = () if group is None else group.sites
    of_sites = [_sample(model, site.name, newest, now) for site in sites]
    known = [each for each in of_sites if each is not None]
    if not known or len(known) < len(of_sites):
        return None
    return Sample(
        time=min(each.time for each in known), power_w=sum(each.power_w for each in known)
    )


def _of(device: DeviceId, newest: NewestReadings, now: datetime) -> Sample | None:
    reading = newest.get(f"{device.name}/points/{POWER}")
    if reading is None:
        return None
    time = measured(reading)
    return Sample(time=time, power_w=reading.value) if now - time <= FRESH else None


def _group(model: SiteModel, name: str) -> SiteGroup | None:
    return model.groups.get(GroupId.parse(name))


def _rated(model: SiteModel, subject: str) -> tuple[Bound, ...]:
    """Return what the rating of a site's connection allows; of anything else nothing."""
    site = subject.count("/") == 1 and subject.startswith("sites/")
    connection = grid_connection(model, SiteId.parse(subject)) if site else None
    if connection is None or not isinstance(connection.rating, GridConnectionRating):
        return ()
    rating = connection.rating
    return bounds_of(
        rating.max_import_power_w, rating.max_export_power_w, "the connection's rating"
    )


def _condition(
    subject: str, site: SiteId | None, sample: Sample, near: Nearness, points: Iterable[str]
) -> Condition:
    return Condition(
        rule=Rule.LIMIT_EXCEEDED if near.exceeded else Rule.LIMIT_NEAR,
        subject=subject,
        since=sample.time,
        site=site,
        description=_words(near, sample),
        value=near.power_w,
        threshold=near.limit_w,
        unit="W",
        time_left=near.time_left,
        links=tuple(points),
    )


def _words(near: Nearness, sample: Sample) -> str:
    way = "in" if near.bound.upper else "out"
    words = f"{near.power_w:.0f} W go {way}, {near.limit_w:.0f} W are allowed by {near.bound.whose}"
    if near.time_left is None:
        return words
    minutes = near.time_left / timedelta(minutes=1)
    return f"{words}; as things go the limit is reached in {minutes:.0f} min"
