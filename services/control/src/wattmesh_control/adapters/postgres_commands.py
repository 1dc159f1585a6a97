"""Commands in PostgreSQL, written under locks."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from wattmesh_control.adapters.command_rows import (
    LIFE_COLUMNS,
    ORDER_COLUMNS,
    command_from_row,
    life_values,
    order_values,
    state_time,
)
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.setpoint import Channel, Slot
from wattmesh_kernel.ids import CommandId, DeviceId

_LAST = """
SELECT * FROM commands WHERE number IN (
    SELECT newest.number
    FROM unnest(%s::text[]) AS devices (device)
    CROSS JOIN unnest(%s::text[]) AS channels (channel)
    CROSS JOIN LATERAL (
        SELECT number FROM commands
        WHERE commands.device = devices.device AND commands.channel = channels.channel
          AND wish IS NOT NULL
        ORDER BY number DESC LIMIT 1
    ) AS newest
) ORDER BY number FOR UPDATE
"""

_LOCK = "SELECT * FROM commands WHERE command = ANY(%s) ORDER BY number FOR UPDATE"

_COLUMNS = (*ORDER_COLUMNS, *LIFE_COLUMNS)

_ADD = (
    f"INSERT INTO commands ({', '.join(_COLUMNS)}) "
    f"VALUES ({', '.join(['%s'] * len(_COLUMNS))}) RETURNING number"
)

_CHANGES = ", ".join(f"{name} = %s" for name in LIFE_COLUMNS)
_SAVE = f"UPDATE commands SET {_CHANGES} WHERE number = %s"

_TRANSITION = """
INSERT INTO transitions (command, time, record_time, state, message) VALUES (%s, %s, %s, %s, %s)
"""


class PostgresCommands:
    """CommandBook on a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def last(self, devices: Collection[DeviceId]) -> dict[Slot, Command]:
        """Return, locked, the newest command of each slot that came of a wish."""
        cursor = self._connection.cursor(row_factory=dict_row)
        names = [device.name for device in devices]
        await cursor.execute(_LAST, (names, [channel.value for channel in Channel]))
        found = [command_from_row(row) for row in await cursor.fetchall()]
        return {command.slot: command for command in found}

    async def lock(self, command: CommandId) -> Command | None:
        """Return a command, locked until the end of the transaction."""
        return next(iter(await self.lock_all([command])), None)

    async def lock_all(self, commands: Collection[CommandId]) -> list[Command]:
        """Return commands, locked until the end of the transaction."""
        cursor = self._connection.cursor(row_factory=dict_row)
        await cursor.execute(_LOCK, ([command.name for command in commands],))
        return [command_from_row(row) for row in await cursor.fetchall()]

    async def add(self, commands: Sequence[Command]) -> list[Command]:
        """Store commands; return them numbered, in the same order."""
        if not commands:
            return []
        cursor = self._connection.cursor()
        rows = [(*order_values(each), *life_values(each.life)) for each in commands]
        await cursor.executemany(_ADD, rows, returning=True)
        numbered = list[Command]()
        for command in commands:
            row = await cursor.fetchone()
            assert row is not None, "an insert returns its number"
            numbered.append(replace(command, number=row[0]))
            cursor.nextset()
        await self._record([(each, each.create_time) for each in numbered])
        return numbered

    async def save(self, commands: Sequence[tuple[Command, Command]], now: datetime) -> None:
        """Store how lives went on (before, after) and the transitions between them."""
        if not commands:
            return
        rows = [(*life_values(after.life), after.number) for _, after in commands]
        await self._connection.cursor().executemany(_SAVE, rows)
        moved = [
            (after, now) for before, after in commands if before.life.state is not after.life.state
        ]
        await self._record(moved)

    async def _record(self, moved: Sequence[tuple[Command, datetime]]) -> None:
        if not moved:
            return
        rows = [
            (
                *(command.number, state_time(command) or now, now),
                *(command.life.state.value, command.life.message),
            )
            for command, now in moved
        ]
        await self._connection.cursor().executemany(_TRANSITION, rows)
