"""Takes over what stood in the tables before records: JSON of messages, made by migration 0004."""

import logging
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from wattmesh_kernel.errors import Internal
from wattmesh_metering.adapters.documents import MESSAGES, document_from_body
from wattmesh_metering.adapters.postgres_records import PostgresRecordChange
from wattmesh_metering.adapters.revisions import alone
from wattmesh_metering.domain.records import Document, RecordKind
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

_FORMER = "SELECT place, kind, message FROM former_records ORDER BY place"
_TAKEN = "DELETE FROM former_records WHERE place = ANY(%s)"


async def take_over(database: Database) -> None:
    """Keep every former record as a record; once, whoever comes first.

    One that would be refused today stays where it is, and the log says so at every start.
    """
    async with database.transaction() as connection:
        await alone(connection)
        rows = await (await connection.execute(_FORMER)).fetchall()
        documents = {place: _document(RecordKind(kind), message) for place, kind, message in rows}
        taken = {place: document for place, document in documents.items() if document is not None}
        change = PostgresRecordChange(connection)
        for document in taken.values():
            await change.put(document, None, None)
        await connection.execute(_TAKEN, (list(taken),))
    if taken:
        log.info("took over %d former records", len(taken))


def _document(kind: RecordKind, message: dict[str, Any]) -> Document | None:
    try:
        proto = ParseDict(message, MESSAGES[kind]())
        return document_from_body(kind, proto.SerializeToString(deterministic=True))
    except (ParseError, Internal) as error:
        log.warning("cannot take over the former %s %s: %s", kind, message.get("name"), error)
        return None
