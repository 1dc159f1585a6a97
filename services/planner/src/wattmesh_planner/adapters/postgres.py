"""Plans in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from wattmesh_kernel.errors import Aborted, AlreadyExists, NotFound
from wattmesh_kernel.ids import PlanId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.plan_rows import degradations_to_json, plan_from_row, row_from_plan
from wattmesh_planner.domain.plan import Plan, PlanStatistics
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.database import Database
from wattmesh_runtime.lease_epochs import holders_of

_COLUMNS = """name, scope, sites, start_time, end_time, resolution, issue_time, accept_time, state,
    message, solve_ms, sources, degradations"""
_DEALT_WITH = "(accept_time IS NOT NULL OR solution IS NULL)"

_INSERT = """
INSERT INTO plans (name, scope, sites, start_time, end_time, resolution, issue_time, accept_time,
                   state, message, solve_ms, sources, setpoints, degradations, problem, solution)
SELECT %(name)s, %(scope)s, %(sites)s::text[], %(start_time)s::timestamptz,
       %(end_time)s::timestamptz, %(resolution)s::interval, %(issue_time)s::timestamptz,
       %(accept_time)s::timestamptz, %(state)s, %(message)s, %(solve_ms)s::double precision,
       %(sources)s::jsonb, %(setpoints)s::jsonb, %(degradations)s::jsonb, %(problem)b::bytea,
       %(solution)b::bytea
"""

_ADD = f"""
WITH held AS (
    {{held}}
), added AS (
    {_INSERT}
    WHERE EXISTS (SELECT 1 FROM held)
    ON CONFLICT (name) DO NOTHING
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM held) AS held, EXISTS (SELECT 1 FROM added) AS added
"""
_ADD_FREELY = _ADD.format(held="SELECT 1")
_ADD_FENCED = _ADD.format(
    held="SELECT 1 FROM leases WHERE leases.name = %(lease)s AND epoch = %(epoch)s FOR SHARE"
)
"""One statement stores a plan and makes sure that its lease is not somebody else's by now: the
lease cannot change hands until it has ended."""

_ACCEPT = """
UPDATE plans SET accept_time = %(accept_time)s, state = %(state)s, degradations = %(degradations)s
WHERE name = %(name)s
"""

_NEWEST = f"""
SELECT newest.* FROM unnest(%(scopes)s::text[]) AS asked (name)
CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM plans WHERE plans.scope = asked.name AND {_DEALT_WITH}
    ORDER BY start_time DESC, issue_time DESC LIMIT 1
) AS newest
"""

_ACCEPTED = """
SELECT DISTINCT ON (start_time) start_time, name FROM plans
WHERE scope = %(scope)s AND accept_time IS NOT NULL
  AND start_time >= %(first)s AND start_time < %(last)s
ORDER BY start_time, issue_time DESC
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

    async def add(self, plan: Plan, lease: Lease | None = None) -> None:
        """Store a new plan, under a lease if there is one; a single statement.

        Errors: AlreadyExists `PLAN_EXISTS`; Aborted `LEASE_TAKEN_OVER`.
        """
        values = row_from_plan(plan)
        if lease is not None:
            values |= {"lease": lease.name, "epoch": lease.epoch}
        row = (await self._rows(_ADD_FREELY if lease is None else _ADD_FENCED, values))[0]
        if not row["held"]:
            raise Aborted("LEASE_TAKEN_OVER", f"somebody else plans {plan.scope} by now")
        if not row["added"]:
            raise AlreadyExists("PLAN_EXISTS", f"there is a plan {plan.id} already")

    async def add_failed(self, plans: Sequence[Plan]) -> None:
        """Store plans of intervals that passed without one; those that exist stay."""
        async with self._database.transaction() as connection:
            await connection.cursor().executemany(
                (_INSERT + "ON CONFLICT (name) DO NOTHING").encode(),
                [row_from_plan(plan) for plan in plans],
            )

    async def accept(self, plan: Plan) -> None:
        """Store that control took a plan, and how."""
        values = {
            "name": plan.id.name,
            "accept_time": plan.accept_time,
            "state": plan.state.value,
            "degradations": degradations_to_json(plan.degradations),
        }
        async with self._database.connection() as connection:
            await connection.execute(_ACCEPT.encode(), values)

    async def get(self, plan: PlanId) -> Plan:
        """Return a plan with problem and solution; NotFound."""
        rows = await self._told(
            f"SELECT {_COLUMNS}, setpoints, problem, solution FROM plans WHERE name = %(name)s",
            {"name": plan.name},
        )
        if not rows:
            raise NotFound("PLAN_NOT_FOUND", f"there is no plan {plan}")
        return plan_from_row(rows[0])

    async def known(self, plans: Sequence[PlanId]) -> Collection[PlanId]:
        """Return those that exist."""
        rows = await self._rows(
            "SELECT name FROM plans WHERE name = ANY(%(names)s)",
            {"names": [plan.name for plan in plans]},
        )
        return {PlanId.parse(row["name"]) for row in rows}

    async def last_start(self, scope: str) -> datetime | None:
        """Return the start of the newest interval that has an accepted plan or was given up."""
        return (await self._newest([scope], _DEALT_WITH)).get(scope)

    async def last_planned(self, scopes: Sequence[str]) -> Mapping[str, datetime]:
        """Return, by scope, the start of the newest interval with a plan that control took."""
        return await self._newest(scopes, "accept_time IS NOT NULL")

    async def running(self, scope: str, span: TimeRange) -> list[Plan]:
        """Return accepted plans that begin in `span`, oldest first."""
        rows = await self._rows(
            f"SELECT {_COLUMNS}, setpoints FROM plans WHERE scope = %(scope)s"
            " AND accept_time IS NOT NULL AND start_time >= %(first)s AND start_time < %(last)s"
            " ORDER BY start_time, issue_time",
            {"scope": scope, "first": span.start, "last": span.end},
        )
        return [plan_from_row(row) for row in rows]

    async def page(
        self, scope: str, starts: TimeRange | None, limit: int, before: str | None
    ) -> list[Plan]:
        """Return plans newest first, after the plan named `before`."""
        rows = await self._told(
            f"""SELECT {_COLUMNS} FROM plans
            WHERE (%(scope)s = '' OR scope = %(scope)s)
              AND (%(first)s::timestamptz IS NULL OR start_time >= %(first)s)
              AND (%(last)s::timestamptz IS NULL OR start_time < %(last)s)
              AND (%(before)s::text IS NULL OR (start_time, issue_time, name) <
                   (SELECT start_time, issue_time, name FROM plans WHERE name = %(before)s))
            ORDER BY start_time DESC, issue_time DESC, name DESC LIMIT %(limit)s""",
            {"scope": scope, **_bounds(starts), "before": before, "limit": limit},
        )
        return [plan_from_row(row) for row in rows]

    async def accepted(self, scope: str, starts: TimeRange) -> Mapping[datetime, PlanId]:
        """Return the plans that control took by when they begin; of several the newest."""
        rows = await self._told(_ACCEPTED, {"scope": scope, **_bounds(starts)})
        return {row["start_time"]: PlanId.parse(row["name"]) for row in rows}

    async def solutions(self, plans: Sequence[PlanId]) -> Mapping[PlanId, Plan]:
        """Return those that exist, without problem and setpoints."""
        rows = await self._told(
            f"SELECT {_COLUMNS}, solution FROM plans WHERE name = ANY(%(names)s)",
            {"names": [each.name for each in plans]},
        )
        return {plan.id: plan for plan in map(plan_from_row, rows)}

    async def newest(self, scopes: Sequence[str]) -> list[Plan]:
        """Return each scope's newest plan that is dealt with; a look into the index for each."""
        rows = await self._rows(_NEWEST, {"scopes": list(scopes)})
        return [plan_from_row(row) for row in rows]

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
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO triggered_plans (request_id, plan) VALUES (%(id)s, %(plan)s)"
                " ON CONFLICT DO NOTHING",
                {"id": request_id, "plan": plan.name},
            )

    async def holders(self, scopes: Sequence[str]) -> Mapping[str, str]:
        """Return the process that holds each scope, of those that somebody holds."""
        async with self._database.connection() as connection:
            return await holders_of(connection, scopes)

    async def _newest(self, scopes: Sequence[str], condition: str) -> dict[str, datetime]:
        rows = await self._rows(
            f"""SELECT wanted.scope, newest.start_time
            FROM unnest(%(scopes)s::text[]) AS wanted (scope)
            JOIN LATERAL (
                SELECT start_time FROM plans WHERE plans.scope = wanted.scope AND {condition}
                ORDER BY start_time DESC LIMIT 1
            ) AS newest ON true""",
            {"scopes": list(scopes)},
        )
        return {row["scope"]: row["start_time"] for row in rows}

    async def _told(self, query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._database.connection_for_caller() as connection:
            return await _fetched(connection, query, values)

    async def _rows(self, query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._database.connection() as connection:
            return await _fetched(connection, query, values)


async def _fetched(
    connection: AsyncConnection, query: str, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(query.encode(), values)
    return await cursor.fetchall()


def _bounds(starts: TimeRange | None) -> dict[str, datetime | None]:
    return {"first": starts.start if starts else None, "last": starts.end if starts else None}
