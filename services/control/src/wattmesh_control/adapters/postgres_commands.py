"""Commands in PostgreSQL, read and written inside of transactions."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from psycopg import AsyncConnection, AsyncCursor

from wattmesh_control.adapters.command_rows import (
    COLUMNS,
    LIFE_COLUMNS,
    ORDER_COLUMNS,
    command_from_row,
    life_values,
    order_values,
    state_time,
)
from wattmesh_control.adapters.rows import Row, record_of, records
from wattmesh_control.app.draft import Draft
from wattmesh_control.domain.command import Command
from wattmesh_kernel.ids import CommandId
from wattmesh_runtime.database import Database

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM commands"

_LAST = f"""
{_SELECT} WHERE number IN (
    SELECT newest.number
    FROM (
        SELECT device, channel FROM proposals
        WHERE device = ANY(%(devices)s) AND start_time <= %(now)s AND end_time > %(now)s
        UNION
        SELECT device, channel FROM commands
        WHERE device = ANY(%(devices)s) AND close_time IS NULL
    ) AS slots
    CROSS JOIN LATERAL (
        SELECT number FROM commands
        WHERE commands.device = slots.device AND commands.channel = slots.channel
          AND proposal IS NOT NULL
        ORDER BY number DESC LIMIT 1
    ) AS newest
) ORDER BY number FOR UPDATE
"""

_NAMED = f"{_SELECT} WHERE command = ANY(%s) ORDER BY number FOR UPDATE"

_NEW = {**ORDER_COLUMNS, **LIFE_COLUMNS}

_ADD = f"""
INSERT INTO commands ({", ".join(_NEW)})
SELECT {", ".join(_NEW)} FROM json_to_recordset(%s::json) AS new ({record_of(_NEW)})
RETURNING number, command
"""

_STEP = {"number": "bigint", **LIFE_COLUMNS}

_SAVE = f"""
UPDATE commands SET {", ".join(f"{name} = new.{name}" for name in LIFE_COLUMNS)}
FROM json_to_recordset(%s::json) AS new ({record_of(_STEP)})
WHERE commands.number = new.number
"""

_TRANSITION_COLUMNS = {
    "command": "text",
    "time": "timestamptz",
    "record_time": "timestamptz",
    "state": "text",
    "message": "text",
}

_TRANSITION = f"""
INSERT INTO transitions (command, time, record_time, state, message)
SELECT commands.number, step.time, step.record_time, step.state, step.message
FROM json_to_recordset(%s::json) AS step ({record_of(_TRANSITION_COLUMNS)})
JOIN commands ON commands.command = step.command
"""


async def number_from_now(database: Database) -> None:
    """Have no command get a number that another had before the database went back in time."""
    async with database.connection() as connection:
        await connection.execute("SELECT number_from_now()")


async def select_last(
    connection: AsyncConnection[Row], devices: Sequence[str], now: datetime
) -> AsyncCursor[Row]:
    """Ask, with a lock, for the newest command of each slot in which there is anything now."""
    return await connection.execute(_LAST, {"devices": devices, "now": now})


async def select_named(
    connection: AsyncConnection[Row], names: Collection[CommandId]
) -> AsyncCursor[Row]:
    """Ask for commands by name, locked until the end of the transaction."""
    return await connection.execute(_NAMED, ([each.name for each in names],))


async def fetch(cursor: AsyncCursor[Row]) -> list[Command]:
    """Return the commands that were asked for."""
    return [command_from_row(row) for row in await cursor.fetchall()]


async def write(connection: AsyncConnection[Row], draft: Draft) -> AsyncCursor[Row] | None:
    """Write the steps and the new commands of a draft, with the transitions of both."""
    steps = [step.after for step in draft.steps.values()]
    if steps:
        rows = records(list(_STEP), ((each.number, *life_values(each.life)) for each in steps))
        await connection.execute(_SAVE, (rows,))
    added = None
    if draft.added:
        new = ((*order_values(each), *life_values(each.life)) for each in draft.added)
        added = await connection.execute(_ADD, (records(list(_NEW), new),))
    transitions = _transitions(draft)
    if transitions:
        rows = records(list(_TRANSITION_COLUMNS), transitions)
        await connection.execute(_TRANSITION, (rows,))
    return added


async def numbered(draft: Draft, added: AsyncCursor[Row] | None) -> list[Command]:
    """Return the new commands of a draft with the numbers that the database gave them."""
    if added is None:
        return []
    numbers = {row[1]: row[0] for row in await added.fetchall()}
    return [replace(each, number=numbers[each.command.name]) for each in draft.added]


def _transitions(draft: Draft) -> list[tuple[object, ...]]:
    moved = [
        version
        for step in draft.steps.values()
        for earlier, version in zip((step.before, *step.versions), step.versions, strict=False)
        if version.life.state is not earlier.life.state
    ]
    return [
        (
            *(each.command.name, state_time(each) or draft.now, draft.now),
            *(each.life.state.value, each.life.message),
        )
        for each in (*moved, *draft.unsent.values(), *draft.added)
    ]
