"""wattmesh.usage.v1 ↔ what is kept of zones: schedules and occupancies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from wattmesh.usage.v1 import zone_pb2
from wattmesh_contracts.ratings import rating_from_proto, rating_to_proto
from wattmesh_contracts.tariff_windows import enum_from_proto, window_from_proto, window_to_proto
from wattmesh_contracts.values import (
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.comfort import ZoneMode, ZonePeriod
from wattmesh_kernel.ids import OccupancyId, ZoneScheduleId
from wattmesh_kernel.sites import ComfortBand
from wattmesh_usage.api.convert import merged_with
from wattmesh_usage.domain.records import Record
from wattmesh_usage.domain.zones import Occupancy, ZoneSchedule

_MODES: Mapping[int, ZoneMode] = {
    zone_pb2.ZONE_MODE_UNSPECIFIED: ZoneMode.ANY,
    zone_pb2.ZONE_MODE_AUTOMATIC: ZoneMode.AUTOMATIC,
    zone_pb2.ZONE_MODE_HEATING: ZoneMode.HEATING,
    zone_pb2.ZONE_MODE_COOLING: ZoneMode.COOLING,
    zone_pb2.ZONE_MODE_OFF: ZoneMode.OFF,
}
_TO_MODE = {mode: zone_pb2.ZoneMode.ValueType(proto) for proto, mode in _MODES.items()}


def schedule_from_proto(proto: zone_pb2.ZoneSchedule) -> ZoneSchedule:
    """Return a zone schedule; InvalidArgument with the field when it makes no sense."""
    return ZoneSchedule(
        id=ZoneScheduleId.parse(proto.name),
        display_name=proto.display_name,
        priority=proto.priority,
        range=time_range_from_proto(proto.range, "range") if proto.HasField("range") else None,
        periods=tuple(map(_period_from_proto, proto.periods)),
    )


def schedule_to_proto(record: Record[ZoneSchedule]) -> zone_pb2.ZoneSchedule:
    """Return a zone schedule with its etag."""
    schedule = record.resource
    return zone_pb2.ZoneSchedule(
        name=record.name,
        etag=record.etag,
        display_name=schedule.display_name,
        priority=schedule.priority,
        range=None if schedule.range is None else time_range_to_proto(schedule.range),
        periods=map(_period_to_proto, schedule.periods),
    )


def schedule_merge(
    given: zone_pb2.ZoneSchedule, paths: Sequence[str]
) -> Callable[[ZoneSchedule | None], ZoneSchedule]:
    """Return what makes the new schedule out of the kept one."""

    def make(kept: ZoneSchedule | None) -> ZoneSchedule:
        if kept is None:
            return schedule_from_proto(given)
        before = schedule_to_proto(Record(resource=kept, revision=0))
        return schedule_from_proto(merged_with(before, given, paths))

    return make


def occupancy_from_proto(proto: zone_pb2.Occupancy) -> Occupancy:
    """Return an occupancy; when it became known is not the caller's to say."""
    require(proto.HasField("range"), "MISSING_FIELD", "an occupancy has a range", "range")
    return Occupancy(
        id=OccupancyId.parse(proto.name),
        display_name=proto.display_name,
        range=time_range_from_proto(proto.range, "range"),
        occupancy_ratio=proto.occupancy_ratio,
        occupant_count=proto.occupant_count if proto.HasField("occupant_count") else None,
        source=proto.source,
    )


def occupancy_to_proto(record: Record[Occupancy]) -> zone_pb2.Occupancy:
    """Return an occupancy with its etag."""
    occupancy = record.resource
    known = occupancy.create_time
    return zone_pb2.Occupancy(
        name=record.name,
        etag=record.etag,
        display_name=occupancy.display_name,
        range=time_range_to_proto(occupancy.range),
        occupancy_ratio=occupancy.occupancy_ratio,
        occupant_count=occupancy.occupant_count,
        source=occupancy.source,
        create_time=None if known is None else timestamp_to_proto(known),
    )


def occupancy_merge(
    given: zone_pb2.Occupancy, paths: Sequence[str]
) -> Callable[[Occupancy | None], Occupancy]:
    """Return what makes the new occupancy out of the kept one."""

    def make(kept: Occupancy | None) -> Occupancy:
        if kept is None:
            return occupancy_from_proto(given)
        before = occupancy_to_proto(Record(resource=kept, revision=0))
        after = occupancy_from_proto(merged_with(before, given, paths))
        return replace(after, create_time=kept.create_time)

    return make


def _period_from_proto(proto: zone_pb2.ZonePeriod) -> ZonePeriod:
    return ZonePeriod(
        window=window_from_proto(proto.window),
        band=rating_from_proto(ComfortBand, proto.band) if proto.HasField("band") else None,
        mode=enum_from_proto(_MODES, proto.mode, "periods.mode"),
    )


def _period_to_proto(period: ZonePeriod) -> zone_pb2.ZonePeriod:
    return zone_pb2.ZonePeriod(
        window=window_to_proto(period.window),
        band=None if period.band is None else rating_to_proto(period.band),
        mode=_TO_MODE[period.mode],
    )
