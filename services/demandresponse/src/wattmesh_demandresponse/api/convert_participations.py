"""wattmesh.demandresponse.v1: participations, answers, promises and settlements."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation

from wattmesh.demandresponse.v1 import demand_response_service_pb2 as service_pb2
from wattmesh.demandresponse.v1 import event_pb2 as pb
from wattmesh.type.v1 import money_pb2
from wattmesh_contracts.tariff_windows import enum_from_proto
from wattmesh_contracts.values import (
    datetime_from_proto,
    money_from_proto,
    money_to_proto,
    timestamp_to_proto,
)
from wattmesh_demandresponse.api.convert_events import event_to_proto
from wattmesh_demandresponse.domain.division import SiteHolding
from wattmesh_demandresponse.domain.participation import (
    Commitment,
    Decision,
    OptOutReason,
    Participation,
    ParticipationState,
    Settlement,
)
from wattmesh_demandresponse.domain.records import Changes, Record
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import PlanId, SiteId
from wattmesh_kernel.money import Money

MOST_IN_PIECE = 500
_STATES = {
    ParticipationState.PENDING: pb.PARTICIPATION_STATE_PENDING,
    ParticipationState.OPTED_IN: pb.PARTICIPATION_STATE_OPTED_IN,
    ParticipationState.OPTED_OUT: pb.PARTICIPATION_STATE_OPTED_OUT,
    ParticipationState.COMMITTED: pb.PARTICIPATION_STATE_COMMITTED,
    ParticipationState.SETTLED: pb.PARTICIPATION_STATE_SETTLED,
}
_TO_REASON = {
    OptOutReason.COMFORT: pb.OPT_OUT_REASON_COMFORT,
    OptOutReason.OPERATIONS: pb.OPT_OUT_REASON_OPERATIONS,
    OptOutReason.EQUIPMENT: pb.OPT_OUT_REASON_EQUIPMENT,
    OptOutReason.ECONOMIC: pb.OPT_OUT_REASON_ECONOMIC,
    OptOutReason.OTHER: pb.OPT_OUT_REASON_OTHER,
}
_REASONS = {int(proto): reason for reason, proto in _TO_REASON.items()}


def decision_from_proto(proto: pb.OptDecision, principal: str, now: datetime) -> Decision:
    """Return an answer; who gives it, and when, is not theirs to say."""
    out = not proto.opted_in
    return Decision(
        opted_in=proto.opted_in,
        reason=enum_from_proto(_REASONS, proto.reason, "decision.reason") if out else None,
        message=proto.message,
        principal=principal,
        decide_time=now,
    )


def commitment_from_proto(proto: pb.EventCommitment, now: datetime) -> Commitment:
    """Return a promise."""
    return Commitment(
        plan=PlanId.parse(proto.plan, "commitment.plan") if proto.plan else None,
        commit_time=now,
        baseline_w=tuple(proto.baseline_powers_w),
        committed_w=tuple(proto.committed_powers_w),
        confidence_ratio=proto.confidence_ratio,
        expected_cost=_money(proto, "expected_cost"),
        expected_payment=_money(proto, "expected_payment"),
        up_w=tuple(proto.up_powers_w),
        down_w=tuple(proto.down_powers_w),
        sites=tuple(
            SiteHolding(
                site=SiteId.parse(each.site, "commitment.sites"),
                planned_w=tuple(each.planned_powers_w),
                up_w=tuple(each.up_powers_w),
                down_w=tuple(each.down_powers_w),
            )
            for each in proto.sites
        ),
    )


def settlement_from_proto(proto: pb.EventSettlement, now: datetime) -> Settlement:
    """Return what somebody else has settled."""
    require(
        proto.missing_interval_count >= 0,
        "INVALID_VALUE",
        "missing_interval_count is not negative",
        "settlement.missing_interval_count",
    )
    return Settlement(
        settle_time=now,
        baseline_w=tuple(proto.baseline_powers_w),
        metered_w=tuple(proto.metered_powers_w),
        delivered_kwh=_kwh(proto.delivered_energy_kwh, "settlement.delivered_energy_kwh"),
        committed_kwh=_kwh(proto.committed_energy_kwh, "settlement.committed_energy_kwh"),
        payment=_money(proto, "payment"),
        missing_count=proto.missing_interval_count,
        signal_w=tuple(proto.signal_powers_w),
        availability=_money(proto, "availability_payment"),
    )


def participation_to_proto(record: Record[Participation]) -> pb.Participation:
    """Return a participation with what became of it."""
    kept = record.resource
    proto = pb.Participation(
        name=record.name, enrolment=kept.enrolment.name, state=_STATES[kept.state]
    )
    if kept.decision is not None:
        proto.decision.CopyFrom(_decision_to_proto(kept.decision))
    if kept.commitment is not None:
        proto.commitment.CopyFrom(_commitment_to_proto(kept.commitment))
    if kept.settlement is not None:
        proto.settlement.CopyFrom(_settlement_to_proto(kept.settlement))
    return proto


def pieces_from_changes(
    changes: Changes, now: datetime
) -> Iterator[service_pb2.WatchEventsResponse]:
    """Yield the pieces of what is new, or one heartbeat; the last is complete."""
    events = [event_to_proto(each, now) for each in changes.events]
    parts = [participation_to_proto(each) for each in changes.participations]
    while len(events) + len(parts) > MOST_IN_PIECE:
        some, events = events[:MOST_IN_PIECE], events[MOST_IN_PIECE:]
        room = MOST_IN_PIECE - len(some)
        others, parts = parts[:room], parts[room:]
        yield service_pb2.WatchEventsResponse(
            send_time=timestamp_to_proto(now), events=some, participations=others
        )
    yield service_pb2.WatchEventsResponse(
        send_time=timestamp_to_proto(now), complete=True, events=events, participations=parts
    )


def _decision_to_proto(decision: Decision) -> pb.OptDecision:
    proto = pb.OptDecision(
        opted_in=decision.opted_in,
        message=decision.message,
        principal=decision.principal,
        decide_time=timestamp_to_proto(decision.decide_time),
    )
    if decision.reason is not None:
        proto.reason = _TO_REASON[decision.reason]
    return proto


def _commitment_to_proto(commitment: Commitment) -> pb.EventCommitment:
    return pb.EventCommitment(
        plan="" if commitment.plan is None else commitment.plan.name,
        commit_time=timestamp_to_proto(commitment.commit_time),
        baseline_powers_w=commitment.baseline_w,
        committed_powers_w=commitment.committed_w,
        confidence_ratio=commitment.confidence_ratio,
        expected_cost=_money_to_proto(commitment.expected_cost),
        expected_payment=_money_to_proto(commitment.expected_payment),
        up_powers_w=commitment.up_w,
        down_powers_w=commitment.down_w,
        sites=[
            pb.SiteHolding(
                site=each.site.name,
                planned_powers_w=each.planned_w,
                up_powers_w=each.up_w,
                down_powers_w=each.down_w,
            )
            for each in commitment.sites
        ],
    )


def _settlement_to_proto(settlement: Settlement) -> pb.EventSettlement:
    return pb.EventSettlement(
        settle_time=timestamp_to_proto(settlement.settle_time),
        baseline_powers_w=settlement.baseline_w,
        metered_powers_w=settlement.metered_w,
        delivered_energy_kwh=format(settlement.delivered_kwh, "f"),
        committed_energy_kwh=format(settlement.committed_kwh, "f"),
        payment=_money_to_proto(settlement.payment),
        missing_interval_count=settlement.missing_count,
        signal_powers_w=settlement.signal_w,
        availability_payment=_money_to_proto(settlement.availability),
    )


def _money(proto: pb.EventCommitment | pb.EventSettlement, field: str) -> Money | None:
    return money_from_proto(getattr(proto, field), field) if proto.HasField(field) else None  # type: ignore[arg-type]


def _money_to_proto(money: Money | None) -> money_pb2.Money | None:
    return None if money is None else money_to_proto(money)


def _kwh(text: str, field: str) -> Decimal:
    try:
        value = Decimal(text or "0")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise InvalidArgument("INVALID_VALUE", f"{text!r} is not a decimal number", field=field)
    return value


def known_by_from_proto(proto: service_pb2.ComputeBaselineRequest) -> datetime | None:
    """Return by when what counts was known; None: now."""
    if not proto.HasField("known_by_time"):
        return None
    return datetime_from_proto(proto.known_by_time, "known_by_time")
