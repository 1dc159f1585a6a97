"""The connection that holds leases: its number, its lock, and the table they are in."""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, sql

ANSWER_SECONDS = 5.0
"""How long a statement may take before the connection counts as gone [s]."""

_TABLE = """
SELECT pg_advisory_xact_lock(hashtextextended('wattmesh.leases', 0));
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.leases (
    name text PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 0,
    holder integer,
    process text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT now()
);
CREATE SEQUENCE IF NOT EXISTS {schema}.lease_holders AS integer
"""

_HOLDER = "SELECT 'leases'::regclass::oid::integer, nextval('lease_holders')::integer"


@dataclass(kw_only=True, slots=True)
class LeaseSession:
    """A connection that may hold leases, and its number."""

    connection: AsyncConnection
    table: int
    number: int
    gone: asyncio.Event
    member: bool = False

    async def run(
        self, query: LiteralString, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]] | psycopg.Error:
        """Return the rows of a statement, or what went wrong: nobody may be there to catch it."""
        process = f"{socket.gethostname()}:{os.getpid()}"
        own = {"me": self.number, "table": self.table, "process": process}
        try:
            cursor = await self.connection.execute(query, {**own, **values})
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            return error

    def in_own_order(self, names: Sequence[str]) -> list[str]:
        """Return names in an order that differs between processes, so that they meet less."""
        return sorted(names, key=lambda name: hash((self.number, name)))


async def open_session(url: str, namespace: str) -> LeaseSession:
    """Dial, and take a number that no connection had before, with the lock that stands for it.

    Errors: psycopg.Error, OSError, TimeoutError.
    """
    async with asyncio.timeout(2 * ANSWER_SECONDS):
        connection = await AsyncConnection.connect(
            url,
            autocommit=True,
            application_name=f"wattmesh-{namespace}-leases",
            client_encoding="utf8",
            connect_timeout=int(ANSWER_SECONDS),
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )
        try:
            return await _begin(connection, namespace)
        except BaseException:
            await connection.close()
            raise


async def create_leases(connection: AsyncConnection, namespace: str) -> None:
    """Create the table of leases where it is not there yet: for a role that may."""
    async with connection.transaction():
        await connection.execute(sql.SQL(_TABLE).format(schema=sql.Identifier(namespace)))


async def _begin(connection: AsyncConnection, namespace: str) -> LeaseSession:
    schema = sql.Identifier(namespace)
    await connection.execute(sql.SQL("SET search_path TO {}, public").format(schema))
    # The server notices a peer that vanished without a word: 5 s of silence, three tries.
    await connection.execute(
        "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
    )
    cursor = await connection.execute("SELECT to_regclass('lease_holders') IS NULL")
    if (await cursor.fetchone() or [True])[0]:
        await create_leases(connection, namespace)
    row = await (await connection.execute(_HOLDER)).fetchone()
    assert row is not None
    session = LeaseSession(connection=connection, table=row[0], number=row[1], gone=asyncio.Event())
    await connection.execute("SELECT pg_advisory_lock(%s, %s)", row)
    return session
