"""Plans in PostgreSQL, and leases as its advisory locks."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.rows import dict_row

from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import DeviceId, PlanId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import Lease
from wattmesh_planner.domain.plan import (
    DeviceSchedule,
    Plan,
    PlanState,
    PlanStatistics,
    SetpointKind,
)
from wattmesh_planner.domain.projection import Setpoint
from wattmesh_runtime.database import Database

_COLUMNS = """name, scope, sites, start_time, end_time, resolution, issue_time, accept_time, state,
    message, solve_ms, sources"""
_DEALT_WITH = "(accept_time IS NOT NULL OR solution IS NULL)"

_SAVE = """
INSERT INTO plans (name, scope, sites, start_time, end_time, resolution, issue_time, accept_time,
                   state, message, solve_ms, sources, setpoints, problem, solution)
VALUES (%(name)s, %(scope)s, %(sites)s, %(start_time)s, %(end_time)s, %(resolution)s,
        %(issue_time)s, %(accept_time)s, %(state)s, %(message)s, %(solve_ms)s, %(sources)s,
        %(setpoints)s, %(problem)s, %(solution)s)
ON CONFLICT (name) DO UPDATE SET accept_time = excluded.accept_time, state = excluded.state,
                                 message = excluded.message
"""

_STATISTICS = """
WITH by_start AS (
    SELECT scope, start_time, min(accept_time) AS accept_time
    FROM plans
    WHERE (%(scope)s = '' OR scope = %(scope)s)
      AND (%(first)s::timestamptz IS NULL OR start_time >= %(first)s)
      AND (%(last)s::timestamptz IS NULL OR start_time < %(last)s)
    GROUP BY scope, start_time
), solves AS (
    SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY plans.solve_ms) AS quantiles
    FROM plans JOIN by_start USING (scope, start_time)
)
SELECT count(*) FILTER (WHERE accept_time IS NOT NULL) AS made,
       count(*) FILTER (WHERE accept_time > start_time) AS late,
       count(*) FILTER (WHERE accept_time IS NULL) AS failed,
       (SELECT quantiles[1] FROM solves) AS p50,
       (SELECT quantiles[2] FROM solves) AS p99
FROM by_start
"""


class PostgresPlanStore:
    """Plans in the table `plans`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, plan: Plan) -> None:
        """Store a plan, or what became of it since."""
        await self._execute(_SAVE, _row_from_plan(plan))

    async def get(self, plan: PlanId) -> Plan:
        """Return a plan with problem and solution; NotFound."""
        rows = await self._rows(
            f"SELECT {_COLUMNS}, setpoints, problem, solution FROM plans WHERE name = %(name)s",
            {"name": plan.name},
        )
        if not rows:
            raise NotFound("UNKNOWN_PLAN", f"there is no plan {plan}")
        return _plan_from_row(rows[0])

    async def last_start(self, scope: str) -> datetime | None:
        """Return the start of the newest interval that has an accepted plan or was given up."""
        rows = await self._rows(
            f"SELECT max(start_time) AS start FROM plans WHERE scope = %(scope)s AND {_DEALT_WITH}",
            {"scope": scope},
        )
        start: datetime | None = rows[0]["start"]
        return start

    async def running(self, scope: str, span: TimeRange) -> list[Plan]:
        """Return accepted plans that begin in `span`, oldest first."""
        rows = await self._rows(
            f"SELECT {_COLUMNS}, setpoints FROM plans WHERE scope = %(scope)s"
            " AND accept_time IS NOT NULL AND start_time >= %(first)s AND start_time < %(last)s"
            " ORDER BY start_time, issue_time",
            {"scope": scope, "first": span.start, "last": span.end},
        )
        return [_plan_from_row(row) for row in rows]

    async def attempts(self, scope: str, start: datetime) -> int:
        """Return how many plans there are for the interval that begins at `start`."""
        rows = await self._rows(
            "SELECT count(*) AS n FROM plans WHERE scope = %(scope)s AND start_time = %(start)s",
            {"scope": scope, "start": start},
        )
        return int(rows[0]["n"])

    async def page(
        self, scope: str, starts: TimeRange | None, limit: int, before: str | None
    ) -> list[Plan]:
        """Return plans newest first, after the plan named `before`."""
        rows = await self._rows(
            f"""SELECT {_COLUMNS} FROM plans
            WHERE (%(scope)s = '' OR scope = %(scope)s)
              AND (%(first)s::timestamptz IS NULL OR start_time >= %(first)s)
              AND (%(last)s::timestamptz IS NULL OR start_time < %(last)s)
              AND (%(before)s::text IS NULL OR (start_time, issue_time, name) <
                   (SELECT start_time, issue_time, name FROM plans WHERE name = %(before)s))
            ORDER BY start_time DESC, issue_time DESC, name DESC LIMIT %(limit)s""",
            {"scope": scope, **_bounds(starts), "before": before, "limit": limit},
        )
        return [_plan_from_row(row) for row in rows]

    async def statistics(self, scope: str, starts: TimeRange | None) -> PlanStatistics:
        """Count intervals by what became of their plans."""
        row = (await self._rows(_STATISTICS, {"scope": scope, **_bounds(starts)}))[0]
        return PlanStatistics(
            made=row["made"],
            late=row["late"],
            failed=row["failed"],
            solve_p50_ms=row["p50"],
            solve_p99_ms=row["p99"],
        )

    async def triggered(self, request_id: str) -> PlanId | None:
        """Return the plan that a request triggered before."""
        rows = await self._rows(
            "SELECT plan FROM triggered_plans WHERE request_id = %(id)s", {"id": request_id}
        )
        return PlanId.parse(rows[0]["plan"]) if rows else None

    async def remember_trigger(self, request_id: str, plan: PlanId) -> None:
        """Remember the plan that a request triggered."""
        await self._execute(
            "INSERT INTO triggered_plans (request_id, plan) VALUES (%(id)s, %(plan)s)"
            " ON CONFLICT DO NOTHING",
            {"id": request_id, "plan": plan.name},
        )

    async def _rows(self, query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._database.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(query.encode(), values)
            return await cursor.fetchall()

    async def _execute(self, query: str, values: Mapping[str, Any]) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(query.encode(), values)


class PostgresLeases:
    """A scope is planned by whoever holds its advisory lock; a dead process loses it at once."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def hold(self, scope: str) -> AsyncIterator[Lease | None]:
        """Enter with the lease of a scope; with None while another process holds it."""
        async with await AsyncConnection.connect(self._url, autocommit=True) as connection:
            cursor = await connection.execute(
                "SELECT pg_try_advisory_lock(hashtextextended('wattmesh.planner/' || %s, 0))",
                (scope,),
            )
            row = await cursor.fetchone()
            yield ConnectionLease(connection) if row and row[0] else None


class ConnectionLease:
    """A lock that lives as long as its connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def confirm(self) -> None:
        """Return while the connection lives; Unavailable when it is gone, and the lock with it."""
        try:
            await self._connection.execute("SELECT 1")
        except OperationalError as error:
            raise Unavailable("LEASE_LOST", "the connection that held the lease is gone") from error


def _bounds(starts: TimeRange | None) -> dict[str, datetime | None]:
    return {"first": starts.start if starts else None, "last": starts.end if starts else None}


def _row_from_plan(plan: Plan) -> dict[str, Any]:
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
        "message": plan.message,
        "solve_ms": plan.solve_duration_ms,
        "sources": json.dumps(dict(plan.sources)),
        "setpoints": json.dumps([_schedule_to_json(schedule) for schedule in plan.schedules]),
        "problem": plan.problem,
        "solution": plan.solution,
    }


def _plan_from_row(row: Mapping[str, Any]) -> Plan:
    resolution: timedelta = row["resolution"]
    return Plan(
        id=PlanId.parse(row["name"]),
        scope=row["scope"],
        sites=tuple(row["sites"]),
        issue_time=row["issue_time"],
        accept_time=row["accept_time"],
        target=TimeRange(row["start_time"], row["end_time"]),
        resolution=resolution,
        state=PlanState(row["state"]),
        message=row["message"],
        solve_duration_ms=row["solve_ms"],
        sources=row["sources"],
        schedules=tuple(_schedule_from_json(item) for item in row.get("setpoints", ())),
        problem=row.get("problem"),
        solution=row.get("solution"),
    )


def _schedule_to_json(schedule: DeviceSchedule) -> dict[str, Any]:
    return {
        "device": schedule.device.name,
        "kind": schedule.kind.value,
        "setpoints": [
            [item.range.start.isoformat(), item.range.end.isoformat(), item.power_w]
            for item in schedule.setpoints
        ],
    }


def _schedule_from_json(item: Mapping[str, Any]) -> DeviceSchedule:
    return DeviceSchedule(
        device=DeviceId.parse(item["device"]),
        kind=SetpointKind(item["kind"]),
        setpoints=tuple(
            Setpoint(
                range=TimeRange(datetime.fromisoformat(start), datetime.fromisoformat(end)),
                power_w=power_w,
            )
            for start, end, power_w in item["setpoints"]
        ),
    )
