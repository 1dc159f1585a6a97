"""What loops told devices in place of what their commands ask, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta

from psycopg import AsyncConnection

from wattmesh_control.adapters.rows import Row
from wattmesh_control.domain.moves import MOST_OF_A_COMMAND, Moves, joined
from wattmesh_kernel.ids import CommandId
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

_MILLISECOND = timedelta(milliseconds=1)

_WRITE = """
INSERT INTO setpoint_moves (command, before, start_time, offsets_ms, powers_w)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""

_READ = """
SELECT command, before, start_time, offsets_ms, powers_w FROM setpoint_moves
WHERE command = ANY(%s)
"""


async def write(
    connection: AsyncConnection[Row], moves: Sequence[tuple[CommandId, int, Moves]]
) -> None:
    """Store moves with how many came before them; what came already, and too much, is left out."""
    for command, before, each in moves:
        if before + len(each.times) > MOST_OF_A_COMMAND:
            continue
        start = each.times[0]
        offsets = [round((time - start) / _MILLISECOND) for time in each.times]
        values = (command.name, before, start, offsets, list(each.powers_w))
        await connection.execute(_WRITE, values)


class PostgresMoveArchive:
    """MoveArchive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def moves(self, commands: Collection[CommandId]) -> dict[CommandId, Moves]:
        """Return the moves of commands; those of which some are missing are left out."""
        if not commands:
            return {}
        parts = defaultdict[str, list[tuple[int, Moves]]](list)
        async with self._database.connection() as connection:
            cursor = await connection.execute(_READ, ([each.name for each in commands],))
            for name, before, start, offsets, powers_w in await cursor.fetchall():
                times = tuple(to_utc(start) + offset * _MILLISECOND for offset in offsets)
                parts[name].append((before, Moves(times=times, powers_w=tuple(powers_w))))
        found = {each: joined(parts[each.name]) for each in commands if each.name in parts}
        return {command: moves for command, moves in found.items() if moves is not None}
