"""Takes over what stood in the tables before records: JSON of messages, made by migration 0004."""

import logging
from typing import Any

from google.protobuf.json_format import ParseDict

from wattmesh_metering.adapters.documents import MESSAGES, document_from_body
from wattmesh_metering.adapters.postgres_records import PostgresRecordChange
from wattmesh_metering.adapters.revisions import alone
from wattmesh_metering.domain.records import Document, RecordKind
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

_FORMER = "SELECT kind, message FROM former_records ORDER BY place"


async def take_over(database: Database) -> None:
    """Keep every former record as a record; once, whoever comes first."""
    async with database.transaction() as connection:
        await alone(connection)
        rows = await (await connection.execute(_FORMER)).fetchall()
        change = PostgresRecordChange(connection)
        for kind, message in rows:
            await change.put(_document(RecordKind(kind), message), None)
        await connection.execute("DELETE FROM former_records")
    if rows:
        log.info("took over %d former records", len(rows))


def _document(kind: RecordKind, message: dict[str, Any]) -> Document:
    proto = ParseDict(message, MESSAGES[kind]())
    return document_from_body(kind, proto.SerializeToString(deterministic=True))
