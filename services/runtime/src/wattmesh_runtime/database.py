"""A service's schema in PostgreSQL, through a pool of psycopg 3 connections.

Needs the extra `wattmesh-runtime[database]`.
"""

import asyncio
import contextlib
import logging
import re
import select
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from types import TracebackType
from typing import Self

import psycopg
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.readiness import Dependency

log = logging.getLogger(__name__)

OPEN_SECONDS = 30.0
"""How long a starting service waits for its database [s]."""
CLOSE_SECONDS = 1.0
"""How long a closing pool waits for connections that are just being made [s]."""
CHECKOUT_SECONDS = 5.0
"""How long a call waits for a free connection before it is UNAVAILABLE [s]."""
_PROBE_CHECKOUT_SECONDS = 0.5
"""How long a probe waits for a free connection before it dials one of its own [s]."""

_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Database:
    """One schema of one PostgreSQL database; an async context manager that owns the pool.

    Parameters: `url` as libpq takes it (`postgresql://user@host:port/name`), `schema` the
    service's own, first on the search path of every connection (`public` is second).
    Errors of every use: Unavailable while the database is away.
    """

    def __init__(self, url: str, schema: str, *, min_size: int = 1, max_size: int = 8) -> None:
        if not _SCHEMA.fullmatch(schema):
            raise ValueError(f"{schema!r} is not a schema name")
        self.schema = schema
        self._url = url
        self._doubt = asyncio.Event()
        self._pool = AsyncConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            timeout=CHECKOUT_SECONDS,
            open=False,
            name=schema,
            kwargs={"autocommit": True, "application_name": f"wattmesh-{schema}"},
            configure=self._configure,
            check=_check_if_spoken_to,
        )

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which every statement commits by itself: for queries."""
        with self._unavailable():
            async with self._pool.connection() as connection:
                yield connection

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
            raise _away(f"the database is away: {_reason(error)}") from error

    @contextlib.contextmanager
    def _unavailable(self) -> Iterator[None]:
        try:
            yield
        except (PoolTimeout, psycopg.errors.OperationalError) as error:
            self._doubt.set()
            raise _away() from error

    async def __aenter__(self) -> Self:
        try:
            await self._pool.open(wait=True, timeout=OPEN_SECONDS)
        except BaseException as error:
            # Whatever it was: the workers of an open pool swallow cancellations, for ever.
            await self._pool.close(CLOSE_SECONDS)
            if isinstance(error, PoolTimeout):
                raise _away() from error
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


def _away(message: str = "the database is away") -> Unavailable:
    return Unavailable("DATABASE_UNAVAILABLE", message, retry_after=timedelta(seconds=1))


def _reason(error: Exception) -> str:
    """Return what the server or the line said, without where it was looked for."""
    lines = str(error).strip().splitlines() or [repr(error)]
    return lines[0].rpartition("failed: ")[2].strip()
