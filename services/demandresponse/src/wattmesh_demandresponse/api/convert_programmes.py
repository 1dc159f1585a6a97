"""wattmesh.demandresponse.v1: programmes and enrolments ↔ what is kept of them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from wattmesh.demandresponse.v1 import programme_pb2 as pb
from wattmesh_contracts.masks import merged
from wattmesh_contracts.tariff_windows import convert_all, enum_from_proto
from wattmesh_contracts.values import (
    at_field,
    duration_from_proto,
    duration_to_proto,
    optional_datetime_from_proto,
    required_datetime_from_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.programme import EventKind, Payment, Programme
from wattmesh_demandresponse.domain.records import Record
from wattmesh_kernel.baseline import Adjustment, Baseline, BaselineMethod
from wattmesh_kernel.programme_ids import EnrolmentId, ProgrammeId

M = TypeVar("M", bound=Message)

_TO_KIND = {
    EventKind.LIMIT: pb.EVENT_KIND_LIMIT,
    EventKind.PRICE: pb.EVENT_KIND_PRICE,
    EventKind.PAID_REDUCTION: pb.EVENT_KIND_PAID_REDUCTION,
    EventKind.RESERVE: pb.EVENT_KIND_RESERVE,
}
_KINDS = {int(proto): kind for kind, proto in _TO_KIND.items()}
_TO_METHOD = {
    BaselineMethod.HIGH_OF_RECENT_DAYS: pb.BASELINE_METHOD_HIGH_OF_RECENT_DAYS,
    BaselineMethod.MIDDLE_OF_RECENT_DAYS: pb.BASELINE_METHOD_MIDDLE_OF_RECENT_DAYS,
    BaselineMethod.METER_BEFORE: pb.BASELINE_METHOD_METER_BEFORE,
    BaselineMethod.DECLARED: pb.BASELINE_METHOD_DECLARED,
}
_METHODS = {int(proto): method for method, proto in _TO_METHOD.items()}


def programme_from_proto(proto: pb.Programme) -> Programme:
    """Return the rules of a programme; InvalidArgument with the field when they make no sense."""
    longest = proto.HasField("max_event_duration")
    return Programme(
        id=ProgrammeId.parse(proto.name),
        display_name=proto.display_name,
        operator_name=proto.operator_name,
        event_kind=enum_from_proto(_KINDS, proto.event_kind, "event_kind"),
        notice=duration_from_proto(proto.notice_duration, "notice_duration"),
        longest_event=(
            duration_from_proto(proto.max_event_duration, "max_event_duration") if longest else None
        ),
        most_events_per_day=proto.max_events_per_day,
        most_events_per_year=proto.max_events_per_year,
        ramp=duration_from_proto(proto.ramp_duration, "ramp_duration"),
        baseline=baseline_from_proto(proto.baseline) if proto.HasField("baseline") else None,
        payment=_payment_from_proto(proto.payment) if proto.HasField("payment") else None,
        opt_out_allowed=proto.opt_out_allowed,
        time_zone=proto.time_zone,
        external_id=proto.external_id,
        activation=(
            duration_from_proto(proto.activation_duration, "activation_duration")
            if proto.HasField("activation_duration")
            else None
        ),
        level_powers_w=tuple(proto.level_powers_w),
    )


def programme_to_proto(record: Record[Programme]) -> pb.Programme:
    """Return a programme with its etag."""
    kept = record.resource
    proto = pb.Programme(
        name=record.name,
        etag=record.etag,
        display_name=kept.display_name,
        operator_name=kept.operator_name,
        event_kind=_TO_KIND[kept.event_kind],
        max_events_per_day=kept.most_events_per_day,
        max_events_per_year=kept.most_events_per_year,
        opt_out_allowed=kept.opt_out_allowed,
        time_zone=kept.time_zone,
        external_id=kept.external_id,
        level_powers_w=kept.level_powers_w,
    )
    if kept.notice:
        proto.notice_duration.CopyFrom(duration_to_proto(kept.notice))
    if kept.longest_event is not None:
        proto.max_event_duration.CopyFrom(duration_to_proto(kept.longest_event))
    if kept.ramp:
        proto.ramp_duration.CopyFrom(duration_to_proto(kept.ramp))
    if kept.activation is not None:
        proto.activation_duration.CopyFrom(duration_to_proto(kept.activation))
    if kept.baseline is not None:
        proto.baseline.CopyFrom(_baseline_to_proto(kept.baseline))
    if kept.payment is not None:
        proto.payment.CopyFrom(_payment_to_proto(kept.payment))
    return proto


def baseline_from_proto(proto: pb.Baseline) -> Baseline:
    """Return how a baseline is worked out."""
    with at_field("baseline"):
        return Baseline(
            method=enum_from_proto(_METHODS, proto.method, "method"),
            counted=proto.counted_day_count,
            considered=proto.considered_day_count,
            adjustment=(
                _adjustment_from_proto(proto.adjustment) if proto.HasField("adjustment") else None
            ),
        )


def enrolment_from_proto(proto: pb.Enrolment) -> Enrolment:
    """Return who takes part; InvalidArgument with the field when it makes no sense."""
    return Enrolment(
        id=EnrolmentId.parse(proto.name),
        subject=proto.subject,
        start_time=required_datetime_from_proto(proto, "start_time"),
        end_time=optional_datetime_from_proto(
            proto.end_time, present=proto.HasField("end_time"), field="end_time"
        ),
        most_power_w=proto.max_power_w if proto.HasField("max_power_w") else None,
        opted_in_by_default=proto.opted_in_by_default,
        unavailable=convert_all(
            lambda each: time_range_from_proto(each, "unavailable_ranges"), proto.unavailable_ranges
        ),
        external_id=proto.external_id,
    )


def enrolment_to_proto(record: Record[Enrolment]) -> pb.Enrolment:
    """Return an enrolment with its etag."""
    kept = record.resource
    proto = pb.Enrolment(
        name=record.name,
        etag=record.etag,
        subject=kept.subject,
        start_time=timestamp_to_proto(kept.start_time),
        max_power_w=kept.most_power_w,
        opted_in_by_default=kept.opted_in_by_default,
        unavailable_ranges=map(time_range_to_proto, kept.unavailable),
        external_id=kept.external_id,
    )
    if kept.end_time is not None:
        proto.end_time.CopyFrom(timestamp_to_proto(kept.end_time))
    return proto


def programme_merge(
    given: pb.Programme, paths: Sequence[str]
) -> Callable[[Programme | None], Programme]:
    """Return what makes the new programme out of the kept one."""

    def make(kept: Programme | None) -> Programme:
        if kept is None:
            return programme_from_proto(given)
        before = programme_to_proto(Record(resource=kept, revision=0))
        return programme_from_proto(merged_with(before, given, paths))

    return make


def enrolment_merge(
    given: pb.Enrolment, paths: Sequence[str]
) -> Callable[[Enrolment | None], Enrolment]:
    """Return what makes the new enrolment out of the kept one."""

    def make(kept: Enrolment | None) -> Enrolment:
        if kept is None:
            return enrolment_from_proto(given)
        before = enrolment_to_proto(Record(resource=kept, revision=0))
        return enrolment_from_proto(merged_with(before, given, paths))

    return make


def merged_with(before: M, given: M, paths: Sequence[str]) -> M:
    """Return a kept message with what a given one changes; its name stays."""
    after = merged(before, given, paths)
    after.name = before.name  # type: ignore[attr-defined]
    return after


def _baseline_to_proto(baseline: Baseline) -> pb.Baseline:
    proto = pb.Baseline(
        method=_TO_METHOD[baseline.method],
        counted_day_count=baseline.counted,
        considered_day_count=baseline.considered,
    )
    if baseline.adjustment is not None:
        moved = baseline.adjustment
        proto.adjustment.window_duration.CopyFrom(duration_to_proto(moved.window))
        if moved.gap:
            proto.adjustment.gap_duration.CopyFrom(duration_to_proto(moved.gap))
        proto.adjustment.max_adjustment_ratio = moved.most_ratio
        proto.adjustment.multiplicative = moved.multiplicative
    return proto


def _adjustment_from_proto(proto: pb.BaselineAdjustment) -> Adjustment:
    with at_field("adjustment"):
        return Adjustment(
            window=duration_from_proto(proto.window_duration, "window_duration"),
            gap=duration_from_proto(proto.gap_duration, "gap_duration"),
            most_ratio=proto.max_adjustment_ratio,
            multiplicative=proto.multiplicative,
        )


def _payment_from_proto(proto: pb.ProgrammePayment) -> Payment:
    with at_field("payment"):
        return Payment(
            currency_code=proto.currency_code,
            price_per_kwh=proto.price_per_kwh,
            price_per_kw=proto.price_per_kw,
            penalty_price_per_kwh=proto.penalty_price_per_kwh,
            price_per_kw_hour=proto.price_per_kw_hour,
        )


def _payment_to_proto(payment: Payment) -> pb.ProgrammePayment:
    return pb.ProgrammePayment(
        currency_code=payment.currency_code,
        price_per_kwh=payment.price_per_kwh,
        price_per_kw=payment.price_per_kw,
        penalty_price_per_kwh=payment.penalty_price_per_kwh,
        price_per_kw_hour=payment.price_per_kw_hour,
    )
