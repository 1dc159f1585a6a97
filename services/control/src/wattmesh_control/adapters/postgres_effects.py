"""What meters say of commands, in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime

from wattmesh_control.adapters.command_rows import COLUMNS, VERDICTS, command_from_row
from wattmesh_control.adapters.rows import device_id
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import EventType
from wattmesh_control.domain.effects.verdict import Effect, EffectVerdict
from wattmesh_kernel.ids import CommandId, DeviceId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM commands"

_ENDED = f"""
{_SELECT}
WHERE apply_time IS NOT NULL AND NOT effect_final
  AND end_time > %(after)s AND end_time <= %(until)s
ORDER BY end_time LIMIT %(size)s
"""

_RUNNING = f"""
{_SELECT}
WHERE close_time IS NULL AND apply_time <= %(until)s AND effect IS NULL
ORDER BY number LIMIT %(size)s
"""

# What began long before may have ended within: a lease is bounded, the end of a range is not.
_AROUND = f"""
{_SELECT}
WHERE site = %(site)s AND apply_time IS NOT NULL
  AND start_time < %(end)s AND end_time > %(start)s
ORDER BY number
"""

_OVERRULED = """
SELECT EXISTS (
    SELECT FROM device_events
    WHERE device = (SELECT device FROM commands WHERE command = %(command)s)
      AND command = %(command)s AND what = %(device_event)s
)
"""

_VOUCHED = """
SELECT effect = 'confirmed' AND end_time > %(since)s FROM commands
WHERE device = %(device)s AND effect_basis IN ('meter', 'grid') AND effect_final
ORDER BY number DESC LIMIT 1
"""

_ATTEMPTS = "SELECT count(*) FROM commands WHERE proposal = %(proposal)s"

_STORE = """
UPDATE commands SET
    effect = new.effect, effect_reason = new.reason, effect_basis = new.basis,
    effect_final = new.final, effect_document = new.document::jsonb
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[], %s::text[])
    AS new (command, effect, reason, basis, final, document)
WHERE commands.command = new.command AND NOT commands.effect_final
"""

_AMISS = """
SELECT device, effect FROM (
    SELECT DISTINCT ON (device) device, effect, effect_reason FROM commands
    WHERE effect IN ('confirmed', 'partial', 'none', 'contrary') AND end_time > %(since)s
    ORDER BY device, number DESC
) AS last
WHERE effect IN ('none', 'contrary') AND effect_reason NOT IN ('store_full', 'store_empty')
"""


class PostgresEffectArchive:
    """EffectArchive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ended(self, after: datetime, until: datetime, limit: int) -> list[Command]:
        """Return applied commands without a final verdict whose range ended in (after, until]."""
        return await self._select(_ENDED, {"after": after, "until": until, "size": limit})

    async def running(self, acknowledged_until: datetime, limit: int) -> list[Command]:
        """Return live commands, applied until then, without any verdict."""
        return await self._select(_RUNNING, {"until": acknowledged_until, "size": limit})

    async def around(self, site: SiteId, span: TimeRange) -> list[Command]:
        """Return a site's applied commands whose range meets a span, oldest first."""
        return await self._select(
            _AROUND, {"site": site.name, "start": span.start, "end": span.end}
        )

    async def vouched(self, device: DeviceId, since: datetime) -> bool:
        """Return whether the last independent verdict on a device confirmed it, lately."""
        return bool(await self._value(_VOUCHED, {"device": device.name, "since": since}))

    async def overruled(self, command: CommandId) -> bool:
        """Return whether a gateway's loop ever told the device something else than a command."""
        values = {"command": command.name, "device_event": EventType.SETPOINT_OVERRULED.value}
        return bool(await self._value(_OVERRULED, values))

    async def attempts(self, proposal: int) -> int:
        """Return how many commands of a proposal there were."""
        count = await self._value(_ATTEMPTS, {"proposal": proposal})
        assert isinstance(count, int), "a count is a number"
        return count

    async def store(self, verdicts: Mapping[CommandId, EffectVerdict]) -> None:
        """Store verdicts; a final one stays."""
        if not verdicts:
            return
        found = list(verdicts.values())
        columns = (
            [command.name for command in verdicts],
            [each.effect.value for each in found],
            [each.reason.value for each in found],
            [each.basis.value for each in found],
            [each.final for each in found],
            [VERDICTS.to_json(each).decode() for each in found],
        )
        async with self._database.connection() as connection:
            await connection.execute(_STORE, columns)

    async def amiss(self, since: datetime) -> dict[DeviceId, Effect]:
        """Return the devices whose last verdict, since then, is that it did not happen."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_AMISS, {"since": since})
            return {device_id(row[0]): Effect(row[1]) for row in await cursor.fetchall()}

    async def _select(self, query: str, values: Mapping[str, object]) -> list[Command]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(query, values)
            return [command_from_row(row) for row in await cursor.fetchall()]

    async def _value(self, query: str, values: Mapping[str, object]) -> object:
        async with self._database.connection() as connection:
            row = await (await connection.execute(query, values)).fetchone()
        return None if row is None else row[0]
