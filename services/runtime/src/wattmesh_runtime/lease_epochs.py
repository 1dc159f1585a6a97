"""Leases as a transaction sees them: whether they still hold when it writes, and who has them."""

from collections.abc import Collection, Sequence
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from wattmesh_kernel.errors import Aborted
from wattmesh_runtime.aio.leases import Lease

_HOLDERS = """
SELECT name, process FROM leases
WHERE name = ANY(%(names)s) AND holder IN (
    SELECT objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND objsubid = 2
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND classid = 'leases'::regclass
)
"""
_CHECK = """
SELECT leases.name FROM leases
JOIN unnest(%s::text[], %s::bigint[]) AS own (name, epoch) USING (name, epoch)
ORDER BY leases.name FOR SHARE OF leases
"""


async def check_epoch(connection: AsyncConnection, lease: Lease) -> None:
    """Refuse what the holder of an outdated lease is about to write: call it in the transaction.

    `connection` has the namespace's schema on its search path. The lease cannot change hands until
    the transaction ends. Error: Aborted `LEASE_TAKEN_OVER` when somebody else held it since.
    """
    await check_epochs(connection, [lease])


async def check_epochs(connection: AsyncConnection, leases: Collection[Lease]) -> None:
    """Do the same for many leases with one statement; the error names one that is outdated."""
    await require_epochs(await ask_epochs(connection, leases), leases)


async def ask_epochs(
    connection: AsyncConnection, leases: Collection[Lease]
) -> AsyncCursor[tuple[Any, ...]]:
    """Begin `check_epochs` in a pipeline, so that nobody waits for it alone."""
    names, epochs = [each.name for each in leases], [each.epoch for each in leases]
    return await connection.execute(_CHECK, (names, epochs))


async def require_epochs(cursor: AsyncCursor[tuple[Any, ...]], leases: Collection[Lease]) -> None:
    """Finish it: nothing may be written before. Error: Aborted `LEASE_TAKEN_OVER`."""
    held = {row[0] for row in await cursor.fetchall()}
    for lease in leases:
        if lease.name not in held:
            raise Aborted("LEASE_TAKEN_OVER", f"somebody else has the lease of {lease.name} by now")


async def holders_of(connection: AsyncConnection, names: Sequence[str]) -> dict[str, str]:
    """Return, by name, the process (host:pid) that holds each lease, of those that are held.

    `connection` has the namespace's schema on its search path. Whoever is gone holds nothing.
    """
    cursor = await connection.execute(_HOLDERS, {"names": list(names)})
    return dict(await cursor.fetchall())
