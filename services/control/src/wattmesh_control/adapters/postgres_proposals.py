"""Proposals in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import AsyncConnection, AsyncCursor

from wattmesh_control.adapters.rows import Row, array, device_id
from wattmesh_control.app.draft import Draft
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.schedule import Takeover
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.time import TimeRange, to_utc
from wattmesh_runtime.database import Database

_SELECT = """
SELECT number, origin, device, kind, owner, priority, source, request_id,
       start_time, end_time, value, accept_time, phase
FROM proposals
"""

_RUNNING = f"""
{_SELECT} WHERE device = ANY(%s) AND start_time <= %s AND end_time > %s ORDER BY number
"""

_FEWER = """
SELECT device, phase FROM proposals
WHERE phase <> 'three' AND start_time <= %(now)s AND end_time > %(now)s
ORDER BY accept_time, number
"""

_OF_SOURCE = f"{_SELECT} WHERE source = %s AND end_time > %s"

_STANDING = f"{_SELECT} WHERE device = ANY(%s) AND end_time > %s ORDER BY number"

# What a takeover leaves: see domain/schedule.py, Takeover. What is over goes on the way.
_TAKE_OVER = """
WITH taken AS (
    SELECT * FROM unnest(%(device)s::text[], %(channel)s::text[], %(owner)s::text[],
                         %(turn)s::timestamptz[]) AS t (device, channel, owner, turn)
), concerned AS (
    SELECT number, start_time, end_time, turn FROM proposals JOIN taken USING (device)
    WHERE proposals.end_time <= %(now)s
       OR (proposals.channel = taken.channel AND proposals.owner = taken.owner
           AND origin = 'schedule' AND end_time > turn AND number <> ALL(%(kept)s))
), removed AS (
    DELETE FROM proposals WHERE number IN (
        SELECT number FROM concerned WHERE end_time <= %(now)s OR start_time >= turn
    )
)
UPDATE proposals SET end_time = concerned.turn FROM concerned
WHERE proposals.number = concerned.number
  AND concerned.end_time > %(now)s AND concerned.start_time < concerned.turn
"""

# Everything but number, range and value is the same for all setpoints of a schedule.
_ADD = """
INSERT INTO proposals (number, start_time, end_time, value, origin, device, channel, kind,
                       owner, priority, source, request_id, accept_time, phase)
SELECT setpoint.number, setpoint.start_time, setpoint.end_time, setpoint.value, schedule.*
FROM unnest(%(schedule)s::integer[], %(number)s::bigint[], %(start)s::timestamptz[],
            %(end)s::timestamptz[], %(value)s::double precision[])
    AS setpoint (schedule, number, start_time, end_time, value)
JOIN LATERAL (
    SELECT (%(origin)s::text[])[setpoint.schedule], (%(device)s::text[])[setpoint.schedule],
           (%(channel)s::text[])[setpoint.schedule], (%(kind)s::text[])[setpoint.schedule],
           (%(owner)s::text[])[setpoint.schedule], (%(priority)s::integer[])[setpoint.schedule],
           (%(source)s::text[])[setpoint.schedule], (%(request)s::text[])[setpoint.schedule],
           (%(accepted)s::timestamptz[])[setpoint.schedule],
           (%(phase)s::text[])[setpoint.schedule]
) AS schedule ON true
"""

_REMOVE = "DELETE FROM proposals WHERE number = ANY(%s)"

_DROP = "DELETE FROM proposals WHERE origin IN ('limit', 'hold') AND source = ANY(%s)"


class PostgresConductors:
    """ConductorArchive: of several of a device, the one that was taken last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fewer(self, now: datetime) -> Mapping[DeviceId, Phase]:
        """Return the conductors of setpoints at `now` that take fewer than their devices have."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_FEWER, {"now": now})).fetchall()
        return {device_id(device): Phase(phase) for device, phase in rows}


async def select_running(
    connection: AsyncConnection[Row], devices: Sequence[str], now: datetime
) -> AsyncCursor[Row]:
    """Ask for the proposals of devices that hold at `now`."""
    return await connection.execute(_RUNNING, (devices, now, now))


async def select_standing(
    connection: AsyncConnection[Row], devices: Sequence[str], now: datetime
) -> AsyncCursor[Row]:
    """Ask for the proposals of devices that hold at `now`, or later."""
    return await connection.execute(_STANDING, (devices, now))


async def select_source(
    connection: AsyncConnection[Row], source: str, now: datetime
) -> AsyncCursor[Row]:
    """Ask for the proposals of a source that hold at `now`, or later."""
    return await connection.execute(_OF_SOURCE, (source, now))


async def fetch(cursor: AsyncCursor[Row]) -> list[Proposal]:
    """Return the proposals that were asked for."""
    return [_proposal(row) for row in await cursor.fetchall()]


async def write(connection: AsyncConnection[Row], draft: Draft) -> None:
    """Write what a draft adds, takes over and removes."""
    if draft.removed_proposals:
        await connection.execute(_REMOVE, (list(draft.removed_proposals),))
    if draft.dropped_sources:
        await connection.execute(_DROP, (list(draft.dropped_sources),))
    if draft.takeovers:
        await connection.execute(_TAKE_OVER, {**_taken(draft.takeovers), "now": draft.now})
    if draft.added_proposals:
        await connection.execute(_ADD, _added(draft.added_proposals))


def _taken(takeovers: Sequence[Takeover]) -> dict[str, object]:
    return {
        "device": [each.slot.device.name for each in takeovers],
        "channel": [each.slot.channel.value for each in takeovers],
        "owner": [each.owner for each in takeovers],
        "turn": [each.turn for each in takeovers],
        "kept": [number for each in takeovers for number in each.kept],
    }


def _added(proposals: Sequence[Proposal]) -> dict[str, object]:
    places = dict[tuple[object, ...], int]()
    schedule = [places.setdefault(_schedule(each), len(places) + 1) for each in proposals]
    schedules = zip(*places, strict=True)
    names = ("origin", "device", "channel", "kind", "owner", "priority", "source", "request")
    return {
        "schedule": array(schedule),
        "number": array(each.number for each in proposals),
        "start": array(each.span.start.isoformat() for each in proposals),
        "end": array(each.span.end.isoformat() for each in proposals),
        "value": array(each.value for each in proposals),
        **dict(zip((*names, "accepted", "phase"), map(list, schedules), strict=True)),
    }


def _schedule(proposal: Proposal) -> tuple[object, ...]:
    return (
        *(proposal.origin.value, proposal.device.name, proposal.slot.channel.value),
        *(proposal.kind.value, proposal.owner, proposal.priority, proposal.source),
        *(proposal.request_id, proposal.accept_time, proposal.phase.value),
    )


def _proposal(row: Row) -> Proposal:
    return Proposal(
        number=row[0],
        origin=Origin.of(row[1]),
        device=device_id(row[2]),
        kind=SetpointKind(row[3]),
        owner=row[4],
        priority=row[5],
        source=row[6],
        request_id=row[7],
        span=TimeRange(row[8], row[9]),
        value=row[10],
        accept_time=to_utc(row[11]),
        phase=Phase(row[12]),
    )
