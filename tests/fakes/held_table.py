"""A table that nobody else may use, taken without keeping the test's own event loop waiting."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql


@asynccontextmanager
async def held_table(database_url: str, schema: str, table: str) -> AsyncIterator[None]:
    """Hold a table against readers and writers alike until the block ends.

    The service under test often lives in the event loop of its test and may have a
    transaction open on the table. A lock that waits for it in the loop waits for ever.
    """
    async with (
        await psycopg.AsyncConnection.connect(database_url) as connection,
        connection.transaction(force_rollback=True),
    ):
        await connection.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(schema, table))
        )
        yield
