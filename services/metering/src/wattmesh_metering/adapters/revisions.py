"""Revisions of the site model: one change after the other, each with a number of its own."""

import hashlib

from psycopg import AsyncConnection

from wattmesh_kernel.sites import PublishedPrices

CHANNEL = "wattmesh_site_model"
"""On which a new revision is announced."""

_KEPT_DAYS = 7
"""How long it is known what changed at a revision; who has an older one is told everything."""

_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_LOCK_KEY = int.from_bytes(hashlib.sha256(b"wattmesh/site-model").digest()[:8], signed=True)

_NEXT = """
WITH next AS (
    INSERT INTO revisions (revision, tariff, start_time, end_time)
    SELECT greatest(
        (SELECT max(revision) FROM revisions) + 1,
        (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    ), %(tariff)s, %(start)s, %(end)s
    RETURNING revision
), forgotten AS (
    DELETE FROM revisions WHERE revision
        < (extract(epoch FROM clock_timestamp() - make_interval(days => %(days)s)) * 1000)::bigint
)
SELECT revision, pg_notify(%(channel)s, revision::text) FROM next
"""


async def alone(connection: AsyncConnection) -> None:
    """Wait until nobody else changes the model, and hold others off until the commit.

    So what was checked still holds, and revisions are committed in their order.
    """
    await connection.execute(_LOCK, (_LOCK_KEY,))


async def next_revision(
    connection: AsyncConnection, published: PublishedPrices | None = None
) -> int:
    """Return the revision of the change that this transaction makes; announced at its commit."""
    parameters = {
        "tariff": None if published is None else published.tariff.name,
        "start": None if published is None else published.span.start,
        "end": None if published is None else published.span.end,
        "days": _KEPT_DAYS,
        "channel": CHANNEL,
    }
    cursor = await connection.execute(_NEXT, parameters)
    revision, _ = await cursor.fetchone() or (0, None)
    return int(revision)
