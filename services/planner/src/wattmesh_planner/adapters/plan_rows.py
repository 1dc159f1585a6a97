"""Plans ↔ rows of the table `plans`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from wattmesh_kernel.ids import DeviceId, PlanId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.degradations import Degradation
from wattmesh_planner.domain.plan import DeviceSchedule, Plan, PlanState
from wattmesh_runtime.documents import DocumentCodec

_SCHEDULES = DocumentCodec[tuple[DeviceSchedule, ...]](tuple[DeviceSchedule, ...])
_DEGRADATIONS = DocumentCodec[tuple[Degradation, ...]](tuple[Degradation, ...])


def row_from_plan(plan: Plan) -> dict[str, Any]:
    """Return the values of a plan's row by column."""
    return {
        "name": plan.id.name,
        "scope": plan.scope,
        "sites": list(plan.sites),
        "start_time": plan.target.start,
        "end_time": plan.target.end,
        "resolution": plan.resolution,
        "issue_time": plan.issue_time,
        "accept_time": plan.accept_time,
        "state": plan.state.value,
        "message": plan.failure,
        "solve_ms": plan.solve_duration_ms,
        "sources": Jsonb(dict(plan.sources)),
        "setpoints": _SCHEDULES.to_json(plan.schedules).decode(),
        "degradations": degradations_to_json(plan.degradations),
        "problem": plan.problem,
        "solution": plan.solution,
    }


def plan_from_row(row: Mapping[str, Any]) -> Plan:
    """Return the plan of a row; columns that were not read are left empty."""
    target = TimeRange(row["start_time"], row["end_time"])
    resolution: timedelta = row["resolution"]
    return Plan(
        id=PlanId.parse(row["name"]),
        scope=row["scope"],
        sites=tuple(row["sites"]),
        issue_time=row["issue_time"],
        accept_time=row["accept_time"],
        target=target,
        resolution=resolution,
        state=PlanState(row["state"]),
        failure=row["message"],
        solve_duration_ms=row["solve_ms"],
        sources=row["sources"],
        degradations=_DEGRADATIONS.from_document(row["degradations"]),
        schedules=_schedules(row.get("setpoints", ()), target.start, resolution),
        problem=row.get("problem"),
        solution=row.get("solution"),
    )


def degradations_to_json(degradations: tuple[Degradation, ...]) -> str:
    """Return degradations as a JSON array."""
    return _DEGRADATIONS.to_json(degradations).decode()


def _schedules(
    documents: Sequence[Mapping[str, Any]], start: datetime, resolution: timedelta
) -> tuple[DeviceSchedule, ...]:
    if any("values" not in document for document in documents):
        return tuple(_schedule_of_before(each, start, resolution) for each in documents)
    return _SCHEDULES.from_document(list(documents))


def _schedule_of_before(
    document: Mapping[str, Any], start: datetime, resolution: timedelta
) -> DeviceSchedule:
    """Return the schedule of a row of before, which named the range of every setpoint."""
    by_index: dict[int, float] = {
        (datetime.fromisoformat(first) - start) // resolution: value
        for first, _, value in document["setpoints"]
    }
    values = tuple(by_index.get(index) for index in range(max(by_index, default=-1) + 1))
    return DeviceSchedule(
        asset=None,
        device=DeviceId.parse(document["device"]),
        kind=SetpointKind(document["kind"]),
        start=start,
        resolution=resolution,
        values=values,
    )
