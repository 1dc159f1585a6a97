"""A service's schema in PostgreSQL, through a pool of psycopg 3 connections.

Needs the extra `wattmesh-runtime[database]`.
"""

import asyncio
import contextlib
import logging
import re
import select
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from wattmesh_kernel.errors import Unavailable, WattmeshError
from wattmesh_runtime.access.guard import current_identity
from wattmesh_runtime.database_errors import away, busy, error_from_database
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.settings import ServiceSettings

log = logging.getLogger(__name__)

OPEN_SECONDS = 30.0
"""How long a starting service waits for its database [s]."""
CLOSE_SECONDS = 1.0
"""How long a closing pool waits for connections that are just being made [s]."""
_PROBE_CHECKOUT_SECONDS = 0.5
"""How long a probe waits for a free connection before it dials one of its own [s]."""

_BY_KEY = {
    # A plan that was made while a table was small reads all of it, until the table is analysed;
    # and a few rows of parameters count as a hundred, for which all of a table seems cheaper.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # Statements with arrays would be planned each time: that takes longer than they do.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",  # what is dear only because it is switched off is not worth compiling
}

_REACH = "wattmesh.reach"
"""What a session says of whose rows it reads: `*`, or sites with blanks between."""

_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseLimits:
    """What a statement may take, wait for a lock, and for a free connection [s]."""

    statement_seconds: float = 30.0
    lock_seconds: float = 10.0
    checkout_seconds: float = 5.0
    may_migrate: bool = True
    """Whether the role may change the schema; else a job with more rights does."""

    @classmethod
    def of(cls, settings: ServiceSettings) -> "DatabaseLimits":
        """Return those of a service."""
        return cls(
            statement_seconds=settings.database_statement_seconds,
            lock_seconds=settings.database_lock_seconds,
            may_migrate=settings.database_migrations == "apply",
        )


class Database:
    """One schema of one PostgreSQL database; an async context manager that owns the pool.

    Parameters: `url` as libpq takes it (`postgresql://user@host:port/name`), `schema` the
    service's own, first on the search path of every connection (`public` is second).
    Errors of every use: Unavailable while the database is away, ResourceExhausted when every
    connection is in use or the database has no room, DeadlineExceeded for a statement that takes
    too long, Aborted when another transaction was in the way, InvalidArgument for a value that no
    column takes.

    `by_key` says that every statement finds its rows by keys that have an index: each is planned
    once per connection, for good, and never reads a whole table. Two of them are bulkheads: what
    empties one pool leaves the other alone.
    """

    def __init__(
        self,
        url: str,
        schema: str,
        *,
        min_size: int = 1,
        max_size: int = 8,
        limits: DatabaseLimits | None = None,
        by_key: bool = False,
    ) -> None:
        if not _SCHEMA.fullmatch(schema):
            raise ValueError(f"{schema!r} is not a schema name")
        limits = limits or DatabaseLimits()
        self.schema = schema
        self.may_migrate = limits.may_migrate
        self._max_size = max_size
        self._in_use = 0
        self._url = url
        self._doubt = asyncio.Event()
        self._pool = AsyncConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            timeout=limits.checkout_seconds,
            open=False,
            name=schema,
            kwargs={
                "autocommit": True,
                "application_name": f"wattmesh-{schema}",
                # Of a server that knows no characters (SQL_ASCII), texts would come as bytes.
                "client_encoding": "utf8",
                "options": _options(url, limits, by_key=by_key),
            },
            configure=self._configure,
            check=_check_if_spoken_to,
        )

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which every statement commits by itself: for queries."""
        with self._told_apart():
            async with self._pool.connection() as connection:
                self._in_use += 1
                try:
                    yield connection
                finally:
                    self._in_use -= 1

    @contextlib.asynccontextmanager
    async def connection_for_caller(self) -> AsyncIterator[AsyncConnection]:
        """A connection for what whoever makes the call being served is told.

        Where it sees some sites alone, the database gives it their rows alone, whatever the
        statements say (where the service's migrations hold tables to that, and its role is no
        superuser). What is kept for others too is read on `connection`.
        """
        caller = current_identity()
        async with self.connection() as connection:
            if caller is None or caller.sites is None:
                yield connection
                return
            try:
                sites = " ".join(sorted(caller.sites))
                await connection.execute(f"SELECT set_config('{_REACH}', %s, false)", (sites,))
                yield connection
                await connection.execute(f"RESET {_REACH}")
            except BaseException:
                await connection.close()  # nobody else is to have it with that caller's reach
                raise

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection inside of a transaction: committed at the end, rolled back on an error."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @property
    def dependency(self) -> Dependency:
        """The database as something that a service is not ready without."""
        return Dependency(name="database", probe=self._probe, doubt=self._doubt)

    async def _probe(self) -> None:
        """Return when the server answers; Unavailable with the server's reason.

        A pool that is empty because all of its connections are in use says nothing of the server,
        and one whose connections cannot be made does not say why: then it is dialled directly.
        """
        try:
            async with self._pool.connection(timeout=_PROBE_CHECKOUT_SECONDS) as connection:
                await connection.execute("SELECT 1")
        except (PoolTimeout, psycopg.errors.OperationalError):
            await self._dial()

    async def _dial(self) -> None:
        try:
            async with await AsyncConnection.connect(self._url) as connection:
                await connection.execute("SELECT 1")
        except psycopg.errors.OperationalError as error:
            raise away(f"the database is away: {_reason(error)}") from error

    @contextlib.contextmanager
    def _told_apart(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            told = self._told(error)
            if told is None:
                raise
            if isinstance(told, Unavailable):
                self._doubt.set()
            raise told from error

    def _told(self, error: psycopg.Error) -> WattmeshError | None:
        if isinstance(error, PoolTimeout):
            return busy() if self._in_use >= self._max_size else away()
        return error_from_database(error)

    async def __aenter__(self) -> Self:
        try:
            await self._pool.open(wait=True, timeout=OPEN_SECONDS)
        except BaseException as error:
            # Whatever it was: the workers of an open pool swallow cancellations, for ever.
            await self._pool.close(CLOSE_SECONDS)
            if isinstance(error, PoolTimeout):
                raise away() from error
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._pool.close(CLOSE_SECONDS)

    async def _configure(self, connection: AsyncConnection) -> None:
        path = sql.SQL("SET search_path TO {}, public").format(sql.Identifier(self.schema))
        await connection.execute(path)


async def _check_if_spoken_to(connection: AsyncConnection) -> None:
    """Ask a connection whether it lives only when the server has said something unasked.

    On an idle connection that is its end or an error: a look at the socket tells, where asking
    every time costs a round trip for every statement.
    """
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def _options(url: str, limits: DatabaseLimits, *, by_key: bool) -> str:
    """Return a session's options: given at its start, so that RESET comes back to them."""
    given = str(conninfo_to_dict(url).get("options") or "")
    seconds = {"statement_timeout": limits.statement_seconds, "lock_timeout": limits.lock_seconds}
    ours = {key: str(int(value * 1000)) for key, value in seconds.items()} | {_REACH: "*"}
    if by_key:
        ours |= _BY_KEY
    return " ".join((given, *(f"-c {key}={value}" for key, value in ours.items()))).strip()


def _reason(error: Exception) -> str:
    """Return what the server or the line said, without where it was looked for."""
    lines = str(error).strip().splitlines() or [repr(error)]
    return lines[0].rpartition("failed: ")[2].strip()
