"""Plans ↔ rows of the table `plans`."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wattmesh_kernel.ids import AssetId, DeviceId, PlanId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.facts import Reason, Topic
from wattmesh_planner.domain.plan import DeviceSchedule, Plan, PlanState


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
        "sources": json.dumps(dict(plan.sources)),
        "setpoints": json.dumps([_schedule_to_json(each) for each in plan.schedules]),
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
        degradations=tuple(map(_degradation_from_json, row["degradations"])),
        schedules=tuple(
            _schedule_from_json(item, target.start, resolution) for item in row.get("setpoints", ())
        ),
        problem=row.get("problem"),
        solution=row.get("solution"),
    )


def degradations_to_json(degradations: tuple[Degradation, ...]) -> str:
    """Return degradations as a JSON array."""
    return json.dumps([_degradation_to_json(each) for each in degradations])


def _degradation_to_json(degradation: Degradation) -> dict[str, Any]:
    age = degradation.age
    return {
        "subject": degradation.subject,
        "topic": degradation.topic.value,
        "remedy": degradation.remedy.value,
        "reason": degradation.reason.value,
        "detail": degradation.detail,
        "age_s": None if age is None else age.total_seconds(),
    }


def _degradation_from_json(item: Mapping[str, Any]) -> Degradation:
    age_s: float | None = item["age_s"]
    return Degradation(
        subject=item["subject"],
        topic=Topic(item["topic"]),
        remedy=Remedy(item["remedy"]),
        reason=Reason(item["reason"]),
        detail=item["detail"],
        age=None if age_s is None else timedelta(seconds=age_s),
    )


def _schedule_to_json(schedule: DeviceSchedule) -> dict[str, Any]:
    return {
        "asset": None if schedule.asset is None else schedule.asset.name,
        "device": schedule.device.name,
        "kind": schedule.kind.value,
        "values": schedule.values,
    }


def _schedule_from_json(
    item: Mapping[str, Any], start: datetime, resolution: timedelta
) -> DeviceSchedule:
    asset = item.get("asset")
    values = item["values"] if "values" in item else _values_from_ranges(item, start, resolution)
    return DeviceSchedule(
        asset=None if asset is None else AssetId.parse(asset),
        device=DeviceId.parse(item["device"]),
        kind=SetpointKind(item["kind"]),
        start=start,
        resolution=resolution,
        values=tuple(values),
    )


def _values_from_ranges(
    item: Mapping[str, Any], start: datetime, resolution: timedelta
) -> list[float | None]:
    """Return the values of a row of before, which named the range of every setpoint."""
    by_index: dict[int, float] = {
        (datetime.fromisoformat(first) - start) // resolution: value
        for first, _, value in item["setpoints"]
    }
    return [by_index.get(index) for index in range(max(by_index, default=-1) + 1)]
