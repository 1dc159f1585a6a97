"""wattmesh.control.v1 ↔ domain."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import release_pb2
from wattmesh_contracts.setpoints import setpoint_kind_from_proto, setpoint_kind_to_proto
from wattmesh_contracts.sites import phase_from_proto
from wattmesh_contracts.values import (
    datetime_from_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_control.api.convert_effect import (
    effect_counts_to_proto,
    effect_from_proto,
    verdict_to_proto,
)
from wattmesh_control.api.convert_exchange import exchange_from_proto
from wattmesh_control.app.change_limits import new_limit_id
from wattmesh_control.app.issue_command import Issued, Override
from wattmesh_control.app.ports import CommandQuery, Statistics
from wattmesh_control.app.submission import SetpointAnswer, Submission, SubmissionAnswer
from wattmesh_control.app.watch_limits import LimitNews
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.life import CommandState
from wattmesh_control.domain.limits import Accepted, Answer, Clamped, Limit, Refused
from wattmesh_control.domain.release import Release, ReleaseState
from wattmesh_control.domain.schedule import DeviceSchedule, Setpoint
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange

_MOST_IN_PIECE = 500
_STATES = {
    pb.COMMAND_STATE_PENDING: CommandState.PENDING,
    pb.COMMAND_STATE_DISPATCHED: CommandState.DISPATCHED,
    pb.COMMAND_STATE_APPLIED: CommandState.APPLIED,
    pb.COMMAND_STATE_VERIFIED: CommandState.VERIFIED,
    pb.COMMAND_STATE_REFUSED: CommandState.REFUSED,
    pb.COMMAND_STATE_FAILED: CommandState.FAILED,
    pb.COMMAND_STATE_EXPIRED: CommandState.EXPIRED,
    pb.COMMAND_STATE_SUPERSEDED: CommandState.SUPERSEDED,
    pb.COMMAND_STATE_CANCELLED: CommandState.CANCELLED,
}
_STATES_TO_PROTO = {state: proto for proto, state in _STATES.items()}


def state_to_proto(state: CommandState) -> pb.CommandState.ValueType:
    """Return a state as its proto."""
    return _STATES_TO_PROTO[state]


def state_from_proto(proto: pb.CommandState.ValueType) -> CommandState:
    """Return a state. Error: InvalidArgument."""
    if proto not in _STATES:
        raise InvalidArgument("MISSING_FIELD", "state is required", field="state")
    return _STATES[proto]


def command_query_from_proto(proto: pb.ListCommandsRequest) -> CommandQuery:
    """Return which commands are asked for. Error: InvalidArgument."""
    return CommandQuery(
        devices=DeviceFilter.parse(proto.parent),
        start_range=start_range_from_proto(proto),
        source=proto.source,
        owner=proto.owner,
        states=frozenset(state_from_proto(each) for each in proto.states),
        effects=frozenset(effect_from_proto(each) for each in proto.effects),
    )


def start_range_from_proto(
    proto: pb.ListCommandsRequest | pb.GetCommandStatisticsRequest,
) -> TimeRange | None:
    """Return the range in which commands begin; None: all. Error: InvalidArgument."""
    if not proto.HasField("start_range"):
        return None
    return time_range_from_proto(proto.start_range, "start_range")


def submission_from_proto(proto: pb.SubmitScheduleRequest) -> Submission:
    """Return a submission. Error: InvalidArgument."""
    return Submission(
        request_id=proto.request_id,
        source=proto.source,
        owner=proto.owner,
        priority=proto.priority,
        schedules=tuple(_schedule_from_proto(schedule) for schedule in proto.schedules),
        exchanges=tuple(map(exchange_from_proto, proto.exchanges)),
    )


def submission_answer_to_proto(answer: SubmissionAnswer) -> pb.SubmitScheduleResponse:
    """Return the answer to a submission as its proto."""
    return pb.SubmitScheduleResponse(
        accept_time=timestamp_to_proto(answer.accept_time),
        accepted=answer.accepted,
        outcomes=[_setpoint_answer_to_proto(each) for each in answer.exceptions],
    )


def override_from_proto(proto: pb.IssueCommandRequest) -> Override:
    """Return an override. Error: InvalidArgument."""
    return Override(
        request_id=proto.request_id,
        device=DeviceId.parse(proto.device),
        kind=setpoint_kind_from_proto(proto.kind),
        value=proto.value,
        span=time_range_from_proto(proto.range, "range"),
        owner=proto.owner,
        priority=proto.priority,
    )


def issued_to_proto(issued: Issued) -> pb.IssueCommandResponse:
    """Return the answer to an override as its proto."""
    return pb.IssueCommandResponse(
        outcome=outcome_to_proto(issued.answer), command=command_to_proto(issued.command)
    )


def command_to_proto(command: Command) -> pb.Command:
    """Return a command with its whole life as its proto."""
    life = command.life
    proto = pb.Command(
        name=command.command.name,
        request_id=command.request_id,
        device=command.device.name,
        kind=setpoint_kind_to_proto(command.kind),
        source=command.source,
        owner=command.owner,
        priority=command.priority,
        requested_value=command.requested_value,
        value=command.value,
        range=time_range_to_proto(command.held),
        state=_STATES_TO_PROTO[life.state],
        message=life.message or life.trouble,
        create_time=timestamp_to_proto(command.create_time),
        read_back_value=life.read_back_value,
        metered_power_w=command.metered_power_w,
        dispatch_count=life.dispatch_count,
        effect_verdict=None if command.effect is None else verdict_to_proto(command.effect),
        release=None if life.release is None else _release_to_proto(life.release),
    )
    _set_times(proto, command)
    return proto


_RELEASE_STATES = {
    ReleaseState.PENDING: release_pb2.RELEASE_STATE_PENDING,
    ReleaseState.RELEASED: release_pb2.RELEASE_STATE_RELEASED,
}


def _release_to_proto(release: Release) -> release_pb2.CommandRelease:
    return release_pb2.CommandRelease(
        state=_RELEASE_STATES[release.state],
        change_time=timestamp_to_proto(release.change_time),
        message=release.message,
    )


def limit_from_proto(proto: pb.Limit) -> Limit:
    """Return a limit under a new name. Error: InvalidArgument."""
    if not proto.HasField("expire_time"):
        raise InvalidArgument("MISSING_FIELD", "expire_time is required", field="limit.expire_time")
    return Limit(
        limit=new_limit_id(),
        subject=proto.subject,
        owner=proto.owner,
        min_power_w=proto.min_power_w if proto.HasField("min_power_w") else None,
        max_power_w=proto.max_power_w if proto.HasField("max_power_w") else None,
        start_time=(
            datetime_from_proto(proto.start_time, "limit.start_time")
            if proto.HasField("start_time")
            else None
        ),
        expire_time=datetime_from_proto(proto.expire_time, "limit.expire_time"),
        reason=proto.reason,
        min_phase_power_w=(
            proto.min_phase_power_w if proto.HasField("min_phase_power_w") else None
        ),
        max_phase_power_w=(
            proto.max_phase_power_w if proto.HasField("max_phase_power_w") else None
        ),
    )


def pieces_from_limit_news(news: LimitNews, now: datetime) -> Iterator[pb.WatchLimitsResponse]:
    """Yield the pieces of news of limits, or one heartbeat; the last is complete."""
    limits = list(news.limits)
    while len(limits) > _MOST_IN_PIECE:
        part, limits = limits[:_MOST_IN_PIECE], limits[_MOST_IN_PIECE:]
        yield pb.WatchLimitsResponse(
            send_time=timestamp_to_proto(now),
            snapshot=news.snapshot,
            limits=map(limit_to_proto, part),
        )
    yield pb.WatchLimitsResponse(
        send_time=timestamp_to_proto(now),
        snapshot=news.snapshot,
        complete=True,
        limits=map(limit_to_proto, limits),
        ended_names=[each.name for each in news.ended],
    )


def limit_to_proto(limit: Limit) -> pb.Limit:
    """Return a limit as its proto."""
    return pb.Limit(
        name=limit.limit.name,
        subject=limit.subject,
        owner=limit.owner,
        min_power_w=limit.min_power_w,
        max_power_w=limit.max_power_w,
        start_time=None if limit.start_time is None else timestamp_to_proto(limit.start_time),
        expire_time=timestamp_to_proto(limit.expire_time),
        reason=limit.reason,
        min_phase_power_w=limit.min_phase_power_w,
        max_phase_power_w=limit.max_phase_power_w,
        acknowledgements=[
            pb.LimitAcknowledgement(
                gateway=each.gateway.name,
                site=each.site.name,
                acknowledge_time=timestamp_to_proto(each.time),
            )
            for each in limit.acknowledgements
        ],
    )


def statistics_to_proto(counts: Statistics) -> pb.GetCommandStatisticsResponse:
    """Return counts as their proto."""
    return pb.GetCommandStatisticsResponse(
        issued=counts.issued,
        applied=counts.applied,
        verified=counts.verified,
        failed=counts.failed,
        superseded=counts.superseded,
        effects=effect_counts_to_proto(counts),
    )


def _schedule_from_proto(proto: pb.DeviceSchedule) -> DeviceSchedule:
    return DeviceSchedule(
        device=DeviceId.parse(proto.device),
        kind=setpoint_kind_from_proto(proto.kind),
        setpoints=tuple(
            Setpoint(
                span=time_range_from_proto(each.range, "schedules.setpoints.range"),
                value=each.value,
            )
            for each in proto.setpoints
        ),
        phase=phase_from_proto(proto.phase),
    )


def _setpoint_answer_to_proto(each: SetpointAnswer) -> pb.SetpointOutcome:
    proto = pb.SetpointOutcome(
        device=each.device.name,
        start_time=timestamp_to_proto(each.start),
        outcome=outcome_to_proto(each.answer),
    )
    match each.answer:
        case Accepted(value):
            proto.value = value
        case Clamped(value, reason):
            proto.value, proto.message = value, reason
        case Refused(reason):
            proto.message = reason
        case _:
            assert_never(each.answer)
    return proto


def outcome_to_proto(answer: Answer) -> pb.Outcome.ValueType:
    """Return how something was answered as its proto."""
    match answer:
        case Accepted():
            return pb.OUTCOME_ACCEPTED
        case Clamped():
            return pb.OUTCOME_CLAMPED
        case Refused():
            return pb.OUTCOME_REFUSED
        case _:
            assert_never(answer)


def _set_times(proto: pb.Command, command: Command) -> None:
    times = (
        (proto.lease_expire_time, command.lease_expire_time),
        (proto.dispatch_time, command.life.dispatch_time),
        (proto.apply_time, command.life.apply_time),
        (proto.verify_time, command.life.verify_time),
    )
    for field, time in times:
        if time is not None:
            field.CopyFrom(timestamp_to_proto(time))
