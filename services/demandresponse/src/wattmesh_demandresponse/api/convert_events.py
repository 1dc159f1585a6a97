"""wattmesh.demandresponse.v1: events ↔ what is kept of them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from wattmesh.demandresponse.v1 import event_pb2 as pb
from wattmesh_contracts.tariff_windows import convert_all
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    duration_to_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_demandresponse.api.convert_programmes import merged_with
from wattmesh_demandresponse.domain.event import (
    Asked,
    Event,
    EventState,
    LimitAsked,
    PriceAsked,
    ReductionAsked,
    ReserveAsked,
)
from wattmesh_demandresponse.domain.records import Record
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.programme_ids import EnrolmentId, EventId

_STATES = {
    EventState.SCHEDULED: pb.EVENT_STATE_SCHEDULED,
    EventState.ACTIVE: pb.EVENT_STATE_ACTIVE,
    EventState.COMPLETED: pb.EVENT_STATE_COMPLETED,
    EventState.CANCELLED: pb.EVENT_STATE_CANCELLED,
}


def event_from_proto(proto: pb.Event, now: datetime) -> Event:
    """Return what is asked for; its state and etag are not the caller's to say."""
    require(proto.HasField("range"), "MISSING_FIELD", "range is required", "range")
    announced = proto.HasField("announce_time")
    return Event(
        id=EventId.parse(proto.name),
        display_name=proto.display_name,
        range=time_range_from_proto(proto.range),
        asked=_asked_from_proto(proto),
        announce_time=(
            datetime_from_proto(proto.announce_time, "announce_time") if announced else now
        ),
        resolution=(
            duration_from_proto(proto.resolution, "resolution")
            if proto.HasField("resolution")
            else None
        ),
        enrolments=convert_all(
            lambda name: EnrolmentId.parse(name, "enrolments"), proto.enrolments
        ),
        priority=proto.priority,
        test=proto.test,
        reason=proto.reason,
        external_id=proto.external_id,
        modification_number=proto.modification_number,
    )


def event_to_proto(record: Record[Event], now: datetime) -> pb.Event:
    """Return an event with its etag, and where it is now."""
    kept = record.resource
    proto = pb.Event(
        name=record.name,
        etag=record.etag,
        display_name=kept.display_name,
        range=time_range_to_proto(kept.range),
        announce_time=timestamp_to_proto(kept.announce_time),
        enrolments=[each.name for each in kept.enrolments],
        priority=kept.priority,
        test=kept.test,
        state=_STATES[kept.state(now)],
        reason=kept.reason,
        external_id=kept.external_id,
        modification_number=kept.modification_number,
    )
    if kept.resolution is not None:
        proto.resolution.CopyFrom(duration_to_proto(kept.resolution))
    if kept.cancel_time is not None:
        proto.cancel_time.CopyFrom(timestamp_to_proto(kept.cancel_time))
    _add_asked(proto, kept.asked)
    return proto


def event_merge(
    given: pb.Event, paths: Sequence[str], now: datetime
) -> Callable[[Event | None], Event]:
    """Return what makes the new event out of the kept one."""

    def make(kept: Event | None) -> Event:
        if kept is None:
            return event_from_proto(given, now)
        before = event_to_proto(Record(resource=kept, revision=0), now)
        return event_from_proto(merged_with(before, given, paths), now)

    return make


def _asked_from_proto(proto: pb.Event) -> Asked:
    match proto.WhichOneof("kind"):
        case "limit":
            return LimitAsked(
                max_import_w=tuple(proto.limit.max_import_powers_w),
                max_export_w=tuple(proto.limit.max_export_powers_w),
                node=proto.limit.node,
                max_phase_import_w=tuple(proto.limit.max_phase_import_powers_w),
                max_phase_export_w=tuple(proto.limit.max_phase_export_powers_w),
            )
        case "price":
            return PriceAsked(
                import_per_kwh=tuple(proto.price.import_prices_per_kwh),
                export_per_kwh=tuple(proto.price.export_prices_per_kwh),
                additional=proto.price.additional,
            )
        case "reduction":
            asked = proto.reduction
            return ReductionAsked(
                powers_w=tuple(asked.reduction_powers_w),
                price_per_kwh=asked.price_per_kwh if asked.HasField("price_per_kwh") else None,
            )
        case "reserve":
            return ReserveAsked(
                up_w=tuple(proto.reserve.up_powers_w), down_w=tuple(proto.reserve.down_powers_w)
            )
        case _:
            raise InvalidArgument("MISSING_FIELD", "an event asks for something", field="kind")


def _add_asked(proto: pb.Event, asked: Asked) -> None:
    match asked:
        case LimitAsked():
            proto.limit.SetInParent()
            proto.limit.max_import_powers_w.extend(asked.max_import_w)
            proto.limit.max_export_powers_w.extend(asked.max_export_w)
            proto.limit.node = asked.node
            proto.limit.max_phase_import_powers_w.extend(asked.max_phase_import_w)
            proto.limit.max_phase_export_powers_w.extend(asked.max_phase_export_w)
        case PriceAsked():
            proto.price.import_prices_per_kwh.extend(asked.import_per_kwh)
            proto.price.export_prices_per_kwh.extend(asked.export_per_kwh)
            proto.price.additional = asked.additional
        case ReductionAsked():
            proto.reduction.SetInParent()
            proto.reduction.reduction_powers_w.extend(asked.powers_w)
            if asked.price_per_kwh is not None:
                proto.reduction.price_per_kwh = asked.price_per_kwh
        case ReserveAsked():
            proto.reserve.up_powers_w.extend(asked.up_w)
            proto.reserve.down_powers_w.extend(asked.down_w)
