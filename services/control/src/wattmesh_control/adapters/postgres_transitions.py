"""Every step in the life of commands, in PostgreSQL."""

from wattmesh_control.adapters.rows import Row, device_id
from wattmesh_control.app.effect_ports import Transition, TransitionQuery
from wattmesh_control.domain.life import CommandState
from wattmesh_kernel.ids import CommandId
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

# By command and order of the states' times: (command, position) names a place in the list.
_PAGE = """
SELECT number, position, command, device, state, time, record_time, message FROM (
    SELECT commands.number, commands.command, commands.device,
           transitions.state, transitions.time, transitions.record_time, transitions.message,
           row_number() OVER (
               PARTITION BY commands.number ORDER BY transitions.record_time, transitions.time,
               array_position(%(order)s::text[], transitions.state)
           ) AS position
    FROM transitions JOIN commands ON commands.number = transitions.command
    WHERE (%(command)s::text IS NULL OR commands.command = %(command)s)
      AND (%(device)s::text IS NULL OR commands.device = %(device)s)
      AND (%(site)s::text IS NULL OR commands.site = %(site)s)
      AND (%(start)s::timestamptz IS NULL OR (record_time >= %(start)s AND record_time < %(end)s))
      AND commands.number >= %(after_number)s
) AS steps
WHERE (number, position) > (%(after_number)s, %(after_position)s)
ORDER BY number, position LIMIT %(size)s
"""


class PostgresTransitionArchive:
    """TransitionArchive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, query: TransitionQuery, after: tuple[int, int], size: int
    ) -> list[Transition]:
        """Return at most `size` steps by command and time, after a place in that order."""
        devices, span = query.devices, query.span
        values = {
            "command": query.command and query.command.name,
            "device": devices.device and devices.device.name,
            "site": devices.site and devices.site.name,
            "start": span and span.start,
            "end": span and span.end,
            "after_number": after[0],
            "after_position": after[1],
            "order": [each.value for each in CommandState],
            "size": size,
        }
        async with self._database.connection() as connection:
            cursor = await connection.execute(_PAGE, values)
            return [_transition(row) for row in await cursor.fetchall()]


def _transition(row: Row) -> Transition:
    number, position, command, device, state, time, record_time, message = row
    return Transition(
        place=(number, position),
        command=CommandId.parse(command),
        device=device_id(device),
        state=CommandState(state),
        time=to_utc(time),
        record_time=to_utc(record_time),
        message=message,
    )
