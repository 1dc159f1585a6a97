"""First answers in PostgreSQL."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from wattmesh_control.adapters.rows import Row
from wattmesh_control.app.issue_command import IssuedAnswer
from wattmesh_control.app.place_hold import PlacedHold
from wattmesh_control.app.ports import Request
from wattmesh_control.app.submission import SubmissionAnswer
from wattmesh_control.domain.limits import Limit
from wattmesh_runtime.documents import DocumentCodec

_CLAIM = """
INSERT INTO requests (method, request_id, accept_time) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING RETURNING true
"""

_READ = "SELECT answer FROM requests WHERE method = %s AND request_id = %s"

_REMEMBER = "UPDATE requests SET answer = %s::jsonb WHERE method = %s AND request_id = %s"

_CODECS: dict[type[Any], DocumentCodec[Any]] = {
    each: DocumentCodec(each) for each in (SubmissionAnswer, IssuedAnswer, Limit, PlacedHold)
}


async def claim(
    connection: AsyncConnection[Row], request: Request, now: datetime
) -> AsyncCursor[Row]:
    """Claim a request; a repeat that comes while the first is being answered waits for it."""
    return await connection.execute(_CLAIM, (request.method, request.request_id, now))


async def first(claimed: AsyncCursor[Row]) -> bool:
    """Return whether this transaction is the first to ask."""
    return await claimed.fetchone() is not None


async def answer(connection: AsyncConnection[Row], request: Request) -> Any:
    """Return the answer that was remembered."""
    cursor = await connection.execute(_READ, (request.method, request.request_id))
    row = await cursor.fetchone()
    assert row is not None, "a request that is claimed is answered in the same transaction"
    return _CODECS[request.answer].from_document(row[0])


async def remember(connection: AsyncConnection[Row], request: Request, given: object) -> None:
    """Store the answer of a request that was claimed."""
    document = _CODECS[request.answer].to_json(given).decode()
    await connection.execute(_REMEMBER, (document, request.method, request.request_id))
