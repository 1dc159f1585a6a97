"""Leases in PostgreSQL: many names on one connection, lost together with it and never silently.

A connection takes a number that no connection had before and holds one advisory lock on it, which
the server releases the moment the connection ends. The table `leases` says which number holds
which name; a name is free when its holder's lock is. So a thousand leases, or forty thousand, cost
one connection and one lock; names are compared as they are, so no two can collide; and the lock
of a process that died tells at once.

Needs the extra `wattmesh-runtime[database]`, a connection straight to the server (no pooler that
shares connections between transactions), and PostgreSQL's default isolation, READ COMMITTED.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import MappingProxyType, TracebackType
from typing import Any, LiteralString, Self

import psycopg

from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.leases import Lease, LeaseView, lease_lost
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.lease_session import ANSWER_SECONDS, LeaseSession, open_session
from wattmesh_runtime.readiness import Dependency

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1.0
"""How often the connection is tried when nobody else does [s]."""
LONGEST_DIAL_SECONDS = 15.0
"""The longest wait between two attempts to dial [s]."""

_IS_FREE = """
CASE WHEN leases.holder IS NULL OR leases.holder = %(me)s THEN true
     ELSE pg_try_advisory_xact_lock_shared(%(table)s, leases.holder) END
"""
"""Nobody holds the name, or whoever did is gone: then its lock can be had.

A function that is called for the row as it is when it is locked, not a list read beforehand: a
holder that came in between would not be on the list. Names that the process holds are never asked
for; its own number on another one is left from a call that was broken off.
"""

_LOOK: LiteralString = f"""
SELECT
    ARRAY(SELECT objid::bigint FROM pg_locks
          WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid = 'leases'::regclass AND objid::bigint > 2147483647) AS members,
    ARRAY(SELECT wanted.name FROM unnest(%(names)s::text[]) AS wanted (name)
          LEFT JOIN leases ON leases.name = wanted.name
          WHERE {_IS_FREE}) AS free
"""

_KNOW = "INSERT INTO leases (name) SELECT unnest(%(names)s::text[]) ON CONFLICT DO NOTHING"

_CLAIM: LiteralString = f"""
WITH free AS (
    SELECT name FROM leases WHERE name = ANY(%(names)s) AND {_IS_FREE}
    FOR UPDATE SKIP LOCKED
)
UPDATE leases SET epoch = epoch + 1, holder = %(me)s, process = %(process)s, since = now()
FROM free WHERE leases.name = free.name
RETURNING leases.name, leases.epoch
"""

_GIVE_BACK = """
UPDATE leases SET holder = NULL, process = '', since = now()
WHERE name IN (
    SELECT name FROM leases WHERE holder = %(me)s AND name <> ALL(%(held)s)
    FOR UPDATE SKIP LOCKED
)
"""
_COUNT = "SELECT count(*) FROM leases WHERE holder = %(me)s"


class PostgresLeases:
    """The leases of one namespace; an async context manager that owns one connection.

    Parameters: `url` as libpq takes it; `namespace` the schema in which the table `leases` lies,
    usually the service's own. While the database is away, every call is Unavailable; it dials
    again with growing waits, and logs the loss and the return once each. When the connection ends
    all leases are lost at once: `lease.lost` is set, at the latest one heartbeat later; when the
    line goes dead without a word, `answer_seconds` after that.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._url = url
        self._namespace = namespace
        self._heartbeat_seconds = heartbeat_seconds
        self._answer_seconds = answer_seconds
        self._session: LeaseSession | None = None
        self._held: dict[str, Lease] = {}
        self._known: set[str] = set()
        self._untidy = False
        self._claiming = asyncio.Lock()
        self._tried = asyncio.Event()
        self._loss = LossLog(log, f"the connection that holds the leases of {namespace}")
        self._background = BackgroundTasks()

    async def __aenter__(self) -> Self:
        """Dial once; when that fails, go on dialling in the background."""
        self._background.start(self._keep(), name=f"leases {self._namespace}")
        await self._tried.wait()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._background.__aexit__(kind, error, traceback)

    @property
    def held(self) -> Mapping[str, Lease]:
        """The leases that this process holds, by name."""
        return MappingProxyType(self._held)

    @property
    def connected(self) -> bool:
        """False while the database is away."""
        return self._session is not None

    @property
    def dependency(self) -> Dependency:
        """The connection that holds the leases; a service is not ready without."""
        return Dependency(name="leases", probe=self._probe)

    async def _probe(self) -> None:
        self._live()

    async def try_acquire(self, name: str) -> Lease | None:
        """Return the lease of a name; None while somebody else holds it, or this process does."""
        return next(iter(await self.claim([name])), None)

    async def claim(self, names: Collection[str]) -> list[Lease]:
        """Acquire those of the names that are free, all with one statement."""
        async with self._claiming:
            wanted = sorted(set(names) - self._held.keys())
            if not wanted:
                return []
            session = self._live()
            rows = await self._take(session, wanted)
            if self._session is not session:
                raise _away()
            leases = [Lease(name=name, epoch=epoch, keeper=self) for name, epoch in rows]
            self._held.update({lease.name: lease for lease in leases})
            return leases

    async def look(self, names: Collection[str]) -> LeaseView:
        """Become one of those who share leases, and see which names are free; one statement."""
        session = self._live()
        await self._join(session)
        row = (await self._ask(session, _LOOK, {"names": sorted(set(names) - self._held.keys())}))[
            0
        ]
        return LeaseView(members=frozenset(row[0]), free=session.in_own_order(row[1]))

    async def confirm(self, lease: Lease) -> None:
        """Return while a lease is held for certain; Unavailable `LEASE_LOST`."""
        session = self._session
        if session is None or self._held.get(lease.name) is not lease:
            raise lease_lost(lease.name)
        try:
            await self._ask(session, "SELECT 1", {})
        except Unavailable as error:
            raise lease_lost(lease.name) from error
        if self._held.get(lease.name) is not lease:
            raise lease_lost(lease.name)

    async def give_back(self, leases: Collection[Lease]) -> None:
        """Let others have them; those that are lost already are forgotten."""
        for lease in leases:
            if self._held.get(lease.name) is lease:
                del self._held[lease.name]
                self._untidy = True
                lease.lost.set()
        with suppress(Unavailable):  # then they are free anyway
            await self._tidy()

    async def _keep(self) -> None:
        """Dial for ever; the waits grow until a connection has held for a while."""
        backoff, clock = Backoff(0.25, LONGEST_DIAL_SECONDS), asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                session = await open_session(self._url, self._namespace)
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._loss.lost(str(error).strip() or repr(error))
            else:
                await self._serve(session)
                if clock() - began > LONGEST_DIAL_SECONDS:
                    backoff.reset()
            self._tried.set()
            await backoff.wait()

    async def _serve(self, session: LeaseSession) -> None:
        """Hold leases on a connection, and try it, until it is gone."""
        self._session = session
        self._loss.back()
        self._tried.set()
        try:
            while self._session is session:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._heartbeat_seconds):
                        await session.gone.wait()
                with suppress(Unavailable):
                    await self._ask(session, "SELECT 1", {})
                    await self._tidy()
        finally:
            self._forget(session)
            await session.connection.close()

    async def _tidy(self) -> None:
        """Free what carries this connection's number and is not held: released, or half claimed."""
        async with self._claiming:
            if not self._untidy:
                return
            self._untidy, session, held = False, self._live(), list(self._held)
            with self._untidy_when_broken_off():
                await self._ask(session, _GIVE_BACK, {"held": held})
                rows = await self._ask(session, _COUNT, {})
            if rows[0][0] > len(held):  # a fenced transaction holds a row: the next heartbeat
                self._untidy = True

    async def _take(self, session: LeaseSession, names: Sequence[str]) -> list[tuple[Any, ...]]:
        with self._untidy_when_broken_off():
            new = [name for name in names if name not in self._known]
            if new:
                await self._ask(session, _KNOW, {"names": new})
                self._known.update(new)
            return await self._ask(session, _CLAIM, {"names": names})

    @contextmanager
    def _untidy_when_broken_off(self) -> Iterator[None]:
        """Note that a statement whose caller went away may have been carried out all the same."""
        try:
            yield
        except BaseException:
            self._untidy = True
            raise

    async def _join(self, session: LeaseSession) -> None:
        if not session.member:
            # A number below zero: whoever shares leases, beside the number of whoever holds some.
            values = {"member": -session.number}
            await self._ask(session, "SELECT pg_advisory_lock(%(table)s, %(member)s)", values)
            session.member = True

    def _live(self) -> LeaseSession:
        if self._session is None:
            raise _away()
        return self._session

    async def _ask(
        self, session: LeaseSession, query: LiteralString, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Return a statement's rows; Unavailable, with all leases lost, when none come in time.

        The statement goes on when its caller is cancelled: broken off it could take the next one
        with it.
        """
        statement = self._background.start(session.run(query, values))
        await asyncio.wait({statement}, timeout=self._answer_seconds)
        if not statement.done():
            self._lose(session, f"no answer within {self._answer_seconds} s")
            statement.cancel()
            raise _away()
        outcome = statement.result()
        if isinstance(outcome, psycopg.Error):
            self._lose(session, outcome)
            raise _away() from outcome
        return outcome

    def _lose(self, session: LeaseSession, why: object) -> None:
        if self._session is session:
            self._loss.lost(str(why).strip())
            self._forget(session)

    def _forget(self, session: LeaseSession) -> None:
        """Tell the owners of all leases that they are gone with their connection."""
        if self._session is not session:
            return
        self._session, self._untidy = None, False
        session.gone.set()
        held, self._held = self._held, {}
        self._known.clear()
        for lease in held.values():
            lease.lost.set()


def _away() -> Unavailable:
    return Unavailable(
        "DATABASE_UNAVAILABLE", "the database is away", retry_after=timedelta(seconds=1)
    )
