"""What meters say of commands, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from wattmesh_control.adapters.command_rows import COLUMNS, VERDICTS, command_from_row
from wattmesh_control.adapters.rows import device_id
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import EventType
from wattmesh_control.domain.effects.islands import islands_within
from wattmesh_control.domain.effects.verdict import Effect, EffectVerdict, Standing, standing_of
from wattmesh_kernel.ids import CommandId, DeviceId, SiteId
from wattmesh_kernel.time import TimeRange, to_utc
from wattmesh_runtime.database import Database

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM commands"

_ENDED = f"""
{_SELECT}
WHERE apply_time IS NOT NULL AND NOT effect_final
  AND end_time > %(after)s AND end_time <= %(until)s AND number <> ALL(%(but)s)
ORDER BY end_time LIMIT %(size)s
"""

_RUNNING = f"""
{_SELECT}
WHERE close_time IS NULL AND apply_time <= %(until)s AND effect IS NULL
  AND number <> ALL(%(but)s)
ORDER BY number LIMIT %(size)s
"""

# What began long before may have ended within: a lease is bounded, the end of a range is not.
_AROUND = f"""
SELECT {", ".join(f"commands.{each}" for each in COLUMNS)}
FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS asked (site, start, until)
JOIN commands ON commands.site = asked.site AND apply_time IS NOT NULL
  AND start_time < asked.until AND end_time > asked.start
ORDER BY number
"""

_OVERRULED = """
SELECT command FROM unnest(%s::text[]) AS asked (command)
JOIN commands USING (command)
WHERE EXISTS (
    SELECT FROM device_events
    WHERE device_events.device = commands.device
      AND device_events.command = commands.command AND what = %s
)
"""

_STANDINGS = """
SELECT asked.device, newest.effect, newest.effect_reason FROM unnest(%s::text[]) AS asked (device)
CROSS JOIN LATERAL (
    SELECT effect, effect_reason, end_time FROM commands
    WHERE commands.device = asked.device AND effect_basis IN ('meter', 'grid') AND effect_final
    ORDER BY number DESC LIMIT 1
) AS newest
WHERE newest.end_time > %s
"""

# The words stand in the statement for the index that has them alone. What began a month before, and
# of which no end was heard since, is taken for over.
_ISLANDED = """
SELECT asked.site, islands.time, islands.what = 'loop_islanded'
FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS asked (site, start, until)
JOIN device_events AS islands ON what IN ('loop_islanded', 'loop_reconnected')
  AND starts_with(device, asked.site || '/')
  AND time < asked.until AND time >= asked.start - interval '30 days'
ORDER BY number
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

    async def ended(
        self, after: datetime, until: datetime, but: Collection[int], limit: int
    ) -> list[Command]:
        """Return applied commands without a final verdict whose range ended in (after, until]."""
        values = {"after": after, "until": until, "but": list(but), "size": limit}
        return [command_from_row(row) for row in await self._rows(_ENDED, values)]

    async def running(
        self, acknowledged_until: datetime, but: Collection[int], limit: int
    ) -> list[Command]:
        """Return live commands, applied until then, without any verdict, but for those numbers."""
        values = {"until": acknowledged_until, "but": list(but), "size": limit}
        return [command_from_row(row) for row in await self._rows(_RUNNING, values)]

    async def around(self, spans: Mapping[SiteId, TimeRange]) -> dict[SiteId, list[Command]]:
        """Return sites' applied commands whose range meets the site's span, oldest first."""
        found: dict[SiteId, list[Command]] = {site: [] for site in spans}
        if not spans:
            return found
        values = (
            [site.name for site in spans],
            [span.start for span in spans.values()],
            [span.end for span in spans.values()],
        )
        for row in await self._rows(_AROUND, values):
            command = command_from_row(row)
            found[command.device.site].append(command)
        return found

    async def standings(
        self, devices: Collection[DeviceId], since: datetime
    ) -> dict[DeviceId, Standing]:
        """Return what the last independent verdict on each device, since then, made of it."""
        if not devices:
            return {}
        rows = await self._rows(_STANDINGS, ([each.name for each in devices], since))
        return {device_id(name): standing_of(effect, reason) for name, effect, reason in rows}

    async def overruled(self, commands: Collection[CommandId]) -> set[CommandId]:
        """Return the commands against which a gateway's loop told the device something else."""
        if not commands:
            return set()
        names = [each.name for each in commands]
        rows = await self._rows(_OVERRULED, (names, EventType.SETPOINT_OVERRULED.value))
        return {each for each in commands if (each.name,) in set(rows)}

    async def islanded(self, spans: Mapping[SiteId, TimeRange]) -> dict[SiteId, list[TimeRange]]:
        """Return when sites were islands within a span of each, oldest first."""
        if not spans:
            return {}
        values = (
            [site.name for site in spans],
            [span.start for span in spans.values()],
            [span.end for span in spans.values()],
        )
        told = defaultdict[str, list[tuple[datetime, bool]]](list)
        for site, time, begins in await self._rows(_ISLANDED, values):
            told[site].append((to_utc(time), begins))
        return {site: islands_within(span, told[site.name]) for site, span in spans.items()}

    async def attempts(self, proposal: int) -> int:
        """Return how many commands of a proposal there were."""
        ((count,),) = await self._rows(_ATTEMPTS, {"proposal": proposal})
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
        rows = await self._rows(_AMISS, {"since": since})
        return {device_id(row[0]): Effect(row[1]) for row in rows}

    async def _rows(
        self, query: str, values: Mapping[str, object] | Sequence[object]
    ) -> list[tuple[Any, ...]]:
        async with self._database.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()
