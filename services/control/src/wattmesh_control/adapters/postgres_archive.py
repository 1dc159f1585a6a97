"""Commands in PostgreSQL, read without locks."""

from collections.abc import Collection, Mapping
from datetime import datetime

from wattmesh_control.adapters.command_rows import COLUMNS, command_from_row
from wattmesh_control.app.ports import CommandQuery, Statistics
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.effects.verdict import Effect, EffectReason
from wattmesh_control.domain.life import UNFINISHED
from wattmesh_kernel.ids import CommandId, GatewayId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM commands"

_GET = f"{_SELECT} WHERE command = %(command)s"

_PAGE = f"""
{_SELECT}
WHERE (%(device)s::text IS NULL OR device = %(device)s)
  AND (%(site)s::text IS NULL OR site = %(site)s)
  AND (%(before)s::bigint IS NULL OR number < %(before)s)
  AND (%(start)s::timestamptz IS NULL OR (start_time >= %(start)s AND start_time < %(end)s))
  AND (%(source)s::text IS NULL OR source = %(source)s)
  AND (%(owner)s::text IS NULL OR owner = %(owner)s)
  AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s))
  AND (%(effects)s::text[] IS NULL OR coalesce(effect, '') = ANY(%(effects)s))
ORDER BY number DESC LIMIT %(size)s
"""

_STATISTICS = """
SELECT count(*), count(apply_time), count(verify_time),
       count(*) FILTER (WHERE state IN ('refused', 'failed', 'expired')),
       count(*) FILTER (WHERE state = 'superseded')
FROM commands
WHERE %(start)s::timestamptz IS NULL OR (start_time >= %(start)s AND start_time < %(end)s)
"""

_EFFECTS = """
SELECT effect, coalesce(effect_reason, ''), count(*) FROM commands
WHERE apply_time IS NOT NULL
  AND (%(start)s::timestamptz IS NULL OR (start_time >= %(start)s AND start_time < %(end)s))
GROUP BY 1, 2
"""

_UNFINISHED = f"""
{_SELECT}
WHERE gateway = %(gateway)s AND lease_expire_time > %(now)s AND close_time IS NULL
  AND state = ANY(%(states)s)
ORDER BY number
"""

_RECALLED = f"""
{_SELECT} AS withdrawn
WHERE gateway = %(gateway)s AND lease_expire_time > %(now)s AND state = 'cancelled'
  AND dispatch_count > 0
  AND NOT EXISTS (
      SELECT FROM commands AS newer
      WHERE newer.device = withdrawn.device AND newer.channel = withdrawn.channel
        AND newer.proposal IS NOT NULL AND newer.number > withdrawn.number
        AND newer.lease_expire_time IS NOT NULL
  )
ORDER BY number
"""

_FIND = f"{_SELECT} WHERE command = ANY(%(commands)s) ORDER BY number"

_UNSENT = f"""
{_SELECT}
WHERE gateway = ANY(%(gateways)s) AND lease_expire_time > %(now)s AND close_time IS NULL
  AND state = 'pending'
ORDER BY number
"""

_UNMETERED = f"""
{_SELECT}
WHERE metered_power_w IS NULL AND apply_time IS NOT NULL
  AND end_time > %(after)s AND end_time <= %(until)s
ORDER BY end_time LIMIT %(size)s
"""

_SET_METERED = """
UPDATE commands SET metered_power_w = new.power_w
FROM unnest(%s::text[], %s::double precision[]) AS new (command, power_w)
WHERE commands.command = new.command
"""


class PostgresCommandArchive:
    """CommandArchive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, command: CommandId) -> Command | None:
        """Return one command."""
        found = await self._select_for_caller(_GET, {"command": command.name})
        return next(iter(found), None)

    async def find(self, commands: Collection[CommandId]) -> list[Command]:
        """Return commands by name, oldest first; those that are not there are left out."""
        return await self._select(_FIND, {"commands": [each.name for each in commands]})

    async def page(self, query: CommandQuery, before: int | None, size: int) -> list[Command]:
        """Return at most `size` commands, newest first, numbered below `before`."""
        devices = query.devices
        values = {
            "device": devices.device and devices.device.name,
            "site": devices.site and devices.site.name,
            "before": before,
            "size": size,
            "source": query.source or None,
            "owner": query.owner or None,
            "states": [each.value for each in query.states] or None,
            "effects": ["" if each is None else each.value for each in query.effects] or None,
            **_ends(query.start_range),
        }
        return await self._select_for_caller(_PAGE, values)

    async def statistics(self, start_range: TimeRange | None) -> Statistics:
        """Count commands by what became of them."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_STATISTICS, _ends(start_range))).fetchone()
            effects = await (await connection.execute(_EFFECTS, _ends(start_range))).fetchall()
        assert row is not None, "a count has a row"
        return Statistics(
            issued=row[0],
            applied=row[1],
            verified=row[2],
            failed=row[3],
            superseded=row[4],
            effects={
                (None if effect is None else Effect(effect), EffectReason.of(reason)): count
                for effect, reason, count in effects
            },
        )

    async def unfinished(self, gateway: GatewayId, now: datetime) -> list[Command]:
        """Return a gateway's live commands that wait for an answer, their lease running."""
        states = [state.value for state in UNFINISHED]
        values = {"gateway": gateway.name, "now": now, "states": states}
        return await self._select(_UNFINISHED, values)

    async def unsent(self, gateways: Collection[GatewayId], now: datetime) -> list[Command]:
        """Return live commands of these gateways that were never sent, their lease running."""
        return await self._select(_UNSENT, {"gateways": [x.name for x in gateways], "now": now})

    async def recalled(self, gateway: GatewayId, now: datetime) -> list[Command]:
        """Return withdrawn commands that a device may still follow: lease running, none newer."""
        return await self._select(_RECALLED, {"gateway": gateway.name, "now": now})

    async def unmetered(self, after: datetime, until: datetime, limit: int) -> list[Command]:
        """Return applied commands without metered effect whose range ended in (after, until]."""
        values = {"after": after, "until": until, "size": limit}
        return await self._select(_UNMETERED, values)

    async def set_metered(self, powers_w: Mapping[CommandId, float]) -> None:
        """Store metered effects [W]."""
        if not powers_w:
            return
        names = [command.name for command in powers_w]
        async with self._database.connection() as connection:
            await connection.execute(_SET_METERED, (names, list(powers_w.values())))

    async def _select_for_caller(self, query: str, values: Mapping[str, object]) -> list[Command]:
        async with self._database.connection_for_caller() as connection:
            cursor = await connection.execute(query, values)
            return [command_from_row(row) for row in await cursor.fetchall()]

    async def _select(self, query: str, values: Mapping[str, object]) -> list[Command]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(query, values)
            return [command_from_row(row) for row in await cursor.fetchall()]


def _ends(span: TimeRange | None) -> dict[str, datetime | None]:
    return {"start": None, "end": None} if span is None else {"start": span.start, "end": span.end}
