"""First answers in PostgreSQL."""

from datetime import datetime

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from wattmesh_control.app.ports import Document

_CLAIM = """
INSERT INTO requests (method, request_id, accept_time) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING
"""

_READ = "SELECT answer FROM requests WHERE method = %s AND request_id = %s"

_REMEMBER = "UPDATE requests SET answer = %s WHERE method = %s AND request_id = %s"


class PostgresRequests:
    """RequestBook on a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def claim(self, method: str, request_id: str, now: datetime) -> Document | None:
        """Return the remembered answer; None when this transaction is the first to ask.

        A repeat that comes while the first is being answered waits for it here.
        """
        cursor = await self._connection.execute(_CLAIM, (method, request_id, now))
        if cursor.rowcount:
            return None
        row = await (await self._connection.execute(_READ, (method, request_id))).fetchone()
        assert row is not None, "a request that is claimed is answered in the same transaction"
        answer: Document = row[0]
        return answer

    async def remember(self, method: str, request_id: str, answer: Document) -> None:
        """Store the answer of a request that was claimed."""
        await self._connection.execute(_REMEMBER, (Jsonb(answer), method, request_id))
