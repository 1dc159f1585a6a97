"""Transactions on the schema `control`: few statements, and few round trips for them."""

import hashlib
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from psycopg import AsyncConnection, AsyncCursor, errors

from wattmesh_control.adapters import postgres_commands as commands
from wattmesh_control.adapters import postgres_events as events
from wattmesh_control.adapters import postgres_exchanges as exchanges
from wattmesh_control.adapters import postgres_holds as holds
from wattmesh_control.adapters import postgres_limits as limits
from wattmesh_control.adapters import postgres_moves as moves
from wattmesh_control.adapters import postgres_proposals as proposals
from wattmesh_control.adapters import postgres_requests as requests
from wattmesh_control.adapters.notice_codec import CHANNEL, payloads
from wattmesh_control.adapters.rows import Row
from wattmesh_control.app.draft import Draft, Standing
from wattmesh_control.app.ports import Begun, Notice, Request, Scope
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent
from wattmesh_control.domain.setpoint import Slot
from wattmesh_kernel.errors import ResourceExhausted
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.database import Database
from wattmesh_runtime.lease_epochs import ask_epochs, require_epochs

_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS keys (key)"

# One number more than is wanted: a join with nothing would take no locks.
_LOCK_AND_NUMBER = """
SELECT nextval('proposals_number_seq') FROM (
    SELECT count(*) FROM (
        SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS keys (key)
    ) AS locks
) AS held, generate_series(0, %s)
"""

_TELL = "SELECT pg_notify(%s, %s)"


class PostgresTransaction:
    """Transaction, on a connection in pipeline mode: what is not waited for goes out together."""

    def __init__(self, connection: AsyncConnection[Row], process: str) -> None:
        self._connection = connection
        self._process = process
        self._named: AsyncCursor[Row] | None = None
        self._adding: tuple[Draft, AsyncCursor[Row] | None] | None = None
        self._added: Sequence[Command] = ()

    @property
    def added(self) -> Sequence[Command]:
        """The new commands that were written, with their numbers, once it is committed."""
        return self._added

    async def begin(self, scope: Scope, now: datetime) -> Begun:
        """Check the fence, claim the request and take the devices' locks.

        A scope of nothing but commands is asked for at once, which spares a round trip.
        """
        fence = await ask_epochs(self._connection, scope.fence) if scope.fence else None
        claim = None
        if scope.request is not None:
            claim = await requests.claim(self._connection, scope.request, now)
        locks = await self._lock(scope)
        if scope.commands and not scope.devices:
            self._named = await commands.select_named(self._connection, scope.commands)
        if fence is not None:
            await require_epochs(fence, scope.fence)
        if scope.request is not None and claim is not None and not await requests.first(claim):
            return Begun(first=await requests.answer(self._connection, scope.request))
        return Begun(numbers=await _numbers(locks))

    async def read(self, scope: Scope, now: datetime) -> Standing:
        """Return what stands at `now`; without last commands when the scope is `ahead`."""
        names = [device.name for device in scope.devices]
        running = limited = held = newest = shared = None
        if names:
            running = await proposals.select_running(self._connection, names, now)
            limited = await limits.select_standing(self._connection, names, now)
            held = await holds.select_in_force(self._connection, now)
            if not scope.ahead:
                newest = await commands.select_last(self._connection, names, now)
        if scope.shared_by:
            shared = await limits.select_shared(self._connection, scope.shared_by, now)
        named = self._named
        if scope.commands and named is None:
            named = await commands.select_named(self._connection, scope.commands)
        return Standing(
            proposals=[] if running is None else await proposals.fetch(running),
            limits=[] if limited is None else await limits.fetch(limited),
            shared=[] if shared is None else await limits.fetch(shared),
            holds=[] if held is None else await holds.fetch(held),
            last={} if newest is None else {x.slot: x for x in await commands.fetch(newest)},
            commands={} if named is None else {x.command: x for x in await commands.fetch(named)},
        )

    async def last(self, devices: Collection[DeviceId], now: datetime) -> dict[Slot, Command]:
        """Return, locked, the newest command that came of a proposal, by slot."""
        names = [device.name for device in devices]
        cursor = await commands.select_last(self._connection, names, now)
        return {each.slot: each for each in await commands.fetch(cursor)}

    async def write(
        self, draft: Draft, answer: tuple[Request, object] | None, notice: Notice
    ) -> None:
        """Write a draft, remember the answer, and tell the others."""
        await proposals.write(self._connection, draft)
        await limits.write(self._connection, draft)
        if draft.submission is not None:
            await exchanges.write(self._connection, draft.submission, draft.now)
        if draft.hold is not None:
            await holds.write(self._connection, draft.hold)
        self._adding = (draft, await commands.write(self._connection, draft))
        if draft.events:
            await events.write(self._connection, draft.events)
        if draft.moves:
            await moves.write(self._connection, draft.moves)
        if answer is not None:
            await requests.remember(self._connection, *answer)
        for payload in payloads(notice, self._process) if notice else ():
            await self._connection.execute(_TELL, (CHANNEL, payload))

    async def number(self) -> None:
        """Take up the numbers of what was added; they came with the answer to the commit."""
        if self._adding is not None:
            self._added = await commands.numbered(*self._adding)

    async def _lock(self, scope: Scope) -> AsyncCursor[Row] | None:
        names = {each.name for each in scope.devices} | ({scope.shared_by} - {""})
        keys = sorted(map(_key, names))
        if scope.new_proposals:
            return await self._connection.execute(_LOCK_AND_NUMBER, (keys, scope.new_proposals))
        if keys:
            await self._connection.execute(_LOCK, (keys,))
        return None


class PostgresStore:
    """Store: opens transactions; `process` names this one to the others."""

    def __init__(self, database: Database, process: str) -> None:
        self._database = database
        self._process = process

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """Yield a transaction.

        Error: ResourceExhausted when PostgreSQL's lock table is full: of fewer devices it goes.
        """
        async with self._database.connection() as connection:
            try:
                async with connection.pipeline(), connection.transaction():
                    transaction = PostgresTransaction(connection, self._process)
                    yield transaction
                await transaction.number()
            except errors.OutOfMemory as error:
                raise ResourceExhausted(
                    "LOCKS_EXHAUSTED", "the database has no room for so many locks"
                ) from error

    async def note(self, noted: Sequence[DeviceEvent]) -> None:
        """Store events by themselves."""
        async with self._database.connection() as connection:
            await events.write(connection, noted)


async def _numbers(locks: AsyncCursor[Row] | None) -> Iterator[int]:
    return iter(()) if locks is None else iter([row[0] for row in await locks.fetchall()])


def _key(name: str) -> int:
    digest = hashlib.sha256(f"wattmesh/control/{name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
