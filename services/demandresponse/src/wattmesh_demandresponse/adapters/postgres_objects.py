"""VENs, resources and reports of OpenADR clients, in PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from wattmesh_demandresponse.app.openadr_objects import KeptObject
from wattmesh_runtime.database import Database

_COLUMNS = "id, kind, client_id, create_time, change_time, document"
_PUT = f"""
INSERT INTO openadr_objects ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET change_time = excluded.change_time, document = excluded.document
"""
_LIST = f"""
SELECT {_COLUMNS} FROM openadr_objects
WHERE kind = %(kind)s AND (%(client)s::text IS NULL OR client_id = %(client)s)
    AND document @> %(like)s
ORDER BY create_time, id LIMIT %(limit)s OFFSET %(skip)s
"""


class PostgresObjects:
    """Objects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, kept: KeptObject) -> None:
        """Keep an object as it is now."""
        values = (
            *(kept.id, kept.kind, kept.client_id, kept.create_time, kept.change_time),
            Jsonb(kept.document),
        )
        async with self._database.connection() as connection:
            await connection.execute(_PUT.encode(), values)

    async def get(self, kind: str, object_id: str) -> KeptObject | None:
        """Return an object of a kind."""
        query = f"SELECT {_COLUMNS} FROM openadr_objects WHERE id = %s AND kind = %s"
        found = await self._read(query, (object_id, kind))
        return found[0] if found else None

    async def delete(self, object_id: str) -> None:
        """Delete an object."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM openadr_objects WHERE id = %s", (object_id,))

    async def list(
        self, kind: str, client_id: str | None, like: dict[str, str], skip: int, limit: int
    ) -> Sequence[KeptObject]:
        """Return objects of a kind with these members, the oldest first; None: of all clients."""
        values = {
            "kind": kind,
            "client": client_id,
            "like": Jsonb(like),
            "limit": limit,
            "skip": skip,
        }
        return await self._read(_LIST, values)

    async def _read(self, query: str, values: Any) -> Sequence[KeptObject]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(query.encode(), values)
            rows = await cursor.fetchall()
        return [
            KeptObject(
                id=row[0],
                kind=row[1],
                client_id=row[2],
                create_time=row[3],
                change_time=row[4],
                document=row[5],
            )
            for row in rows
        ]
