"""wattmesh.usage.v1.DeferrableRun ↔ what is kept of runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from wattmesh.usage.v1 import run_pb2
from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_contracts.tariff_windows import enum_from_proto
from wattmesh_contracts.values import (
    duration_from_proto,
    duration_to_proto,
    optional_datetime_from_proto,
    required_datetime_from_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import RunId
from wattmesh_kernel.time import TimeRange
from wattmesh_usage.api.convert import merged_with
from wattmesh_usage.domain.records import Record
from wattmesh_usage.domain.runs import DeferrableRun, RunProfile, RunReport, RunState

_TO_STATE = {
    RunState.REQUESTED: run_pb2.RUN_STATE_REQUESTED,
    RunState.PLANNED: run_pb2.RUN_STATE_PLANNED,
    RunState.RUNNING: run_pb2.RUN_STATE_RUNNING,
    RunState.PAUSED: run_pb2.RUN_STATE_PAUSED,
    RunState.DONE: run_pb2.RUN_STATE_DONE,
    RunState.MISSED: run_pb2.RUN_STATE_MISSED,
    RunState.CANCELLED: run_pb2.RUN_STATE_CANCELLED,
}
_STATES = {int(proto): state for state, proto in _TO_STATE.items()}


def run_from_proto(proto: run_pb2.DeferrableRun) -> DeferrableRun:
    """Return what somebody wants done; what became of it is not theirs to say."""
    return DeferrableRun(
        id=RunId.parse(proto.name),
        display_name=proto.display_name,
        earliest_start_time=optional_datetime_from_proto(
            proto.earliest_start_time,
            present=proto.HasField("earliest_start_time"),
            field="earliest_start_time",
        ),
        latest_end_time=required_datetime_from_proto(proto, "latest_end_time"),
        profile=_profile_from_proto(proto.profile) if proto.HasField("profile") else None,
        energy_wh=proto.energy.energy_wh if proto.HasField("energy") else None,
        priority=proto.priority,
    )


def run_to_proto(record: Record[DeferrableRun]) -> run_pb2.DeferrableRun:
    """Return a run with its etag and what became of it."""
    run = record.resource
    proto = run_pb2.DeferrableRun(
        name=record.name,
        etag=record.etag,
        display_name=run.display_name,
        latest_end_time=timestamp_to_proto(run.latest_end_time),
        priority=run.priority,
        state=_TO_STATE[run.state],
        planned_range=_range(run.planned_range),
        actual_range=_range(run.actual_range),
        used_energy_wh=run.used_energy_wh,
        message=run.message,
    )
    if run.earliest_start_time is not None:
        proto.earliest_start_time.CopyFrom(timestamp_to_proto(run.earliest_start_time))
    if run.profile is not None:
        proto.profile.resolution.CopyFrom(duration_to_proto(run.profile.resolution))
        proto.profile.powers_w.extend(run.profile.powers_w)
    if run.energy_wh is not None:
        proto.energy.energy_wh = run.energy_wh
    return proto


def run_merge(
    given: run_pb2.DeferrableRun, paths: Sequence[str]
) -> Callable[[DeferrableRun | None], DeferrableRun]:
    """Return what makes the new run out of the kept one: what is ours stays."""

    def make(kept: DeferrableRun | None) -> DeferrableRun:
        if kept is None:
            return run_from_proto(given)
        before = run_to_proto(Record(resource=kept, revision=0))
        after = run_from_proto(merged_with(before, given, paths))
        return replace(
            after,
            state=kept.state,
            planned_range=kept.planned_range,
            actual_range=kept.actual_range,
            used_energy_wh=kept.used_energy_wh,
            report_time=kept.report_time,
            message=kept.message,
        )

    return make


def report_from_proto(proto: pb.ReportDeferrableRunRequest) -> RunReport:
    """Return a report; InvalidArgument with the field when it makes no sense."""
    return RunReport(
        state=enum_from_proto(_STATES, proto.state, "state"),
        report_time=required_datetime_from_proto(proto, "report_time"),
        planned_range=_optional_range(proto, "planned_range"),
        actual_range=_optional_range(proto, "actual_range"),
        used_energy_wh=proto.used_energy_wh if proto.HasField("used_energy_wh") else None,
    )


def _profile_from_proto(proto: run_pb2.RunProfile) -> RunProfile:
    return RunProfile(
        resolution=duration_from_proto(proto.resolution, "profile.resolution"),
        powers_w=tuple(proto.powers_w),
    )


def _range(span: TimeRange | None) -> Any:
    return None if span is None else time_range_to_proto(span)


def _optional_range(proto: Any, field: str) -> TimeRange | None:
    return time_range_from_proto(getattr(proto, field), field) if proto.HasField(field) else None
