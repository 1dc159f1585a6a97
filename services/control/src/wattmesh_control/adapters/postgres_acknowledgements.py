"""Which gateways keep limits by themselves, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from psycopg import AsyncConnection

from wattmesh_control.adapters.rows import Row
from wattmesh_control.domain.limits import Acknowledgement, Limit
from wattmesh_kernel.ids import GatewayId, SiteId
from wattmesh_kernel.time import to_utc
from wattmesh_runtime.database import Database

_PUT = """
INSERT INTO limit_acknowledgements (limit_name, site, gateway, terms, acknowledge_time)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (limit_name, site, gateway) DO UPDATE SET
    terms = excluded.terms, acknowledge_time = excluded.acknowledge_time
WHERE limit_acknowledgements.terms <> excluded.terms
"""

_FORGET = """
DELETE FROM limit_acknowledgements
WHERE NOT EXISTS (SELECT FROM shared_limits WHERE name = limit_name)
"""

_OF = """
SELECT limit_name, site, gateway, terms, acknowledge_time FROM limit_acknowledgements
WHERE limit_name = ANY(%s) ORDER BY site, gateway
"""


async def with_acknowledgements(
    connection: AsyncConnection[Row], limits: Sequence[Limit]
) -> list[Limit]:
    """Return limits with who acknowledged them as they are now."""
    names = [each.limit.name for each in limits if each.device is None]
    if not names:
        return list(limits)
    cursor = await connection.execute(_OF, (names,))
    found = defaultdict[tuple[str, str], list[Acknowledgement]](list)
    for name, site, gateway, terms, time in await cursor.fetchall():
        said = Acknowledgement(
            site=SiteId.parse(site), gateway=GatewayId.parse(gateway), time=to_utc(time)
        )
        found[name, terms].append(said)
    return [
        replace(each, acknowledgements=tuple(found.get((each.limit.name, each.terms), ())))
        for each in limits
    ]


class PostgresAcknowledgements:
    """Acknowledgements: keeps who keeps which limit, the first time that it said so."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, limits: Collection[tuple[Limit, Acknowledgement]]) -> None:
        """Keep what was said of limits as they were then. Error: Unavailable."""
        rows = [
            (limit.limit.name, said.site.name, said.gateway.name, limit.terms, said.time)
            for limit, said in limits
        ]
        async with self._database.connection() as connection, connection.cursor() as cursor:
            await cursor.executemany(_PUT, rows)
            await cursor.execute(_FORGET)
