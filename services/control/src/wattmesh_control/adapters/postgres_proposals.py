"""Proposals in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection, AsyncCursor

from wattmesh_control.adapters.rows import Row, columns, device_id
from wattmesh_control.app.draft import Draft
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.schedule import Takeover
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange, to_utc

_COLUMNS = (
    *("number", "origin", "device", "channel", "kind", "owner", "priority", "source"),
    *("request_id", "start_time", "end_time", "value", "accept_time"),
)
_TYPES = (
    *("bigint", "text", "text", "text", "text", "text", "integer", "text"),
    *("text", "timestamptz", "timestamptz", "double precision", "timestamptz"),
)

_RUNNING = """
SELECT number, origin, device, kind, owner, priority, source, request_id,
       start_time, end_time, value, accept_time
FROM proposals WHERE device = ANY(%s) AND start_time <= %s AND end_time > %s ORDER BY number
"""

# What a takeover leaves: see domain/schedule.py, Takeover. What is over goes on the way.
_TAKE_OVER = f"""
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
), cut AS (
    UPDATE proposals SET end_time = concerned.turn FROM concerned
    WHERE proposals.number = concerned.number
      AND concerned.end_time > %(now)s AND concerned.start_time < concerned.turn
)
INSERT INTO proposals ({", ".join(_COLUMNS)})
SELECT * FROM unnest({
    ", ".join(
        f"%({name})s::{kind}[]"
        for name, kind in zip((f"new_{name}" for name in _COLUMNS), _TYPES, strict=True)
    )
})
"""

_REMOVE = "DELETE FROM proposals WHERE number = ANY(%s)"


async def select_running(
    connection: AsyncConnection[Row], devices: Sequence[str], now: datetime
) -> AsyncCursor[Row]:
    """Ask for the proposals of devices that hold at `now`."""
    return await connection.execute(_RUNNING, (devices, now, now))


async def fetch(cursor: AsyncCursor[Row]) -> list[Proposal]:
    """Return the proposals that were asked for."""
    return [_proposal(row) for row in await cursor.fetchall()]


async def write(connection: AsyncConnection[Row], draft: Draft) -> None:
    """Write what a draft adds, takes over and removes."""
    if draft.removed_proposals:
        await connection.execute(_REMOVE, (list(draft.removed_proposals),))
    if draft.added_proposals or draft.takeovers:
        new = columns((_values(each) for each in draft.added_proposals), len(_COLUMNS))
        values = {f"new_{name}": column for name, column in zip(_COLUMNS, new, strict=True)}
        taken = _taken(draft.takeovers)
        await connection.execute(_TAKE_OVER, {**taken, **values, "now": draft.now})


def _taken(takeovers: Sequence[Takeover]) -> dict[str, object]:
    return {
        "device": [each.slot.device.name for each in takeovers],
        "channel": [each.slot.channel.value for each in takeovers],
        "owner": [each.owner for each in takeovers],
        "turn": [each.turn for each in takeovers],
        "kept": [number for each in takeovers for number in each.kept],
    }


def _values(proposal: Proposal) -> tuple[object, ...]:
    return (
        *(proposal.number, proposal.origin.value, proposal.device.name),
        *(proposal.slot.channel.value, proposal.kind.value, proposal.owner, proposal.priority),
        *(proposal.source, proposal.request_id, proposal.span.start, proposal.span.end),
        *(proposal.value, proposal.accept_time),
    )


def _proposal(row: Row) -> Proposal:
    return Proposal(
        number=row[0],
        origin=Origin(row[1]),
        device=device_id(row[2]),
        kind=SetpointKind(row[3]),
        owner=row[4],
        priority=row[5],
        source=row[6],
        request_id=row[7],
        span=TimeRange(row[8], row[9]),
        value=row[10],
        accept_time=to_utc(row[11]),
    )
