"""How near powers are to ratings of connections and to limits that owners have set."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from wattmesh.metering.v1 import metering_pb2
from wattmesh_alerting.adapters.energies import grid_connection
from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.nearness import Bound, Nearness, Sample, bounds_of, nearest
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.sites import GridConnectionRating, MeterRole, SiteModel

Newest = Mapping[str, metering_pb2.Reading]
"""The newest reading of every point that has one, by its name."""

POWER = "active_power_w"
FRESH = timedelta(minutes=5)
"""A power that is older says nothing of now."""


class Powers:
    """Remembers the sample before of every subject, for the trend."""

    def __init__(self) -> None:
        self._before: dict[str, Sample] = {}

    def conditions(
        self,
        model: SiteModel,
        newest: Newest,
        limits: Mapping[str, Sequence[Bound]],
        now: datetime,
    ) -> list[Condition]:
        """Return which powers are near a bound, or beyond."""
        sites = {site: _of_site(model, site, newest, now) for site in model.sites}
        found = list[Condition]()
        for site, sample in sites.items():
            bounds = (*_rated(model, site), *limits.get(site.name, ()))
            found += self._judge(site.name, site, sample, bounds)
        for subject, owners in limits.items():
            if subject.startswith("groups/"):
                found += self._judge(subject, None, _of_group(model, subject, sites), owners)
            elif "/devices/" in subject:
                device = DeviceId.parse(subject)
                found += self._judge(subject, device.site, _of(device, newest, now), owners)
        return found

    def _judge(
        self, subject: str, site: SiteId | None, sample: Sample | None, bounds: Iterable[Bound]
    ) -> Iterable[Condition]:
        if sample is None:
            self._before.pop(subject, None)
            return
        before = self._before.get(subject)
        near = nearest(sample, before, bounds)
        if before is None or before.time < sample.time:
            self._before[subject] = sample
        if near is not None:
            yield _condition(subject, site, sample, near)


def _of_site(model: SiteModel, site: SiteId, newest: Newest, now: datetime) -> Sample | None:
    connection = grid_connection(model, site)
    if connection is None:
        return None
    for meter in model.meters_of(connection.id, now):
        if meter.function.meter_role is MeterRole.MAIN and POWER in meter.quantities:
            sample = _of(meter.device.id, newest, now)
            if sample is not None:
                return sample
    return None


def _of(device: DeviceId, newest: Newest, now: datetime) -> Sample | None:
    reading = newest.get(f"{device.name}/points/{POWER}")
    if reading is None:
        return None
    time = datetime_from_proto(reading.measure_time, "measure_time")
    return Sample(time=time, power_w=reading.value) if now - time <= FRESH else None


def _of_group(model: SiteModel, name: str, sites: Mapping[SiteId, Sample | None]) -> Sample | None:
    """Return the power of a group's sites together; None: it is not known of each."""
    group = next((each for each in model.groups.values() if each.name == name), None)
    samples = [sites.get(site) for site in (group.sites if group is not None else ())]
    known = [each for each in samples if each is not None]
    if not known or len(known) < len(samples):
        return None
    return Sample(
        time=min(each.time for each in known), power_w=sum(each.power_w for each in known)
    )


def _rated(model: SiteModel, site: SiteId) -> tuple[Bound, ...]:
    connection = grid_connection(model, site)
    if connection is None or not isinstance(connection.rating, GridConnectionRating):
        return ()
    rating = connection.rating
    return bounds_of(
        rating.max_import_power_w, rating.max_export_power_w, "the connection's rating"
    )


def _condition(subject: str, site: SiteId | None, sample: Sample, near: Nearness) -> Condition:
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
    )


def _words(near: Nearness, sample: Sample) -> str:
    way = "in" if near.bound.upper else "out"
    words = f"{near.power_w:.0f} W go {way}, {near.limit_w:.0f} W are allowed by {near.bound.whose}"
    if near.time_left is None:
        return words
    minutes = near.time_left / timedelta(minutes=1)
    return f"{words}; as things go the limit is reached in {minutes:.0f} min"
