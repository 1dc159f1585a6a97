"""Sites and tariffs as they were known at a time."""

from dataclasses import replace
from typing import Any

from wattmesh_metering.adapters.documents import record_from_row
from wattmesh_metering.domain.records import Record

KNOWN_COLUMNS = "kind, body, revision, NULL::timestamptz, deleted, known_time"
"""What `known_record` reads."""

AS_KNOWN = """
FROM (
    SELECT *, known_time IS NULL OR known_time <= %(known_by)s AS known
    FROM record_versions WHERE name = %(name)s
    ORDER BY known DESC, CASE WHEN known_time IS NULL OR known_time <= %(known_by)s
        THEN -revision ELSE revision END
    LIMIT 1
) AS version
"""
"""The newest version of `name` that was known by `known_by`; the first, where none was yet."""


def known_record(row: tuple[Any, ...]) -> Record | None:
    """Return the record of a row of `KNOWN_COLUMNS`; None when it was deleted by then."""
    *columns, deleted, known_time = row
    if deleted:
        return None
    return replace(record_from_row(tuple(columns)), known_since=known_time)
