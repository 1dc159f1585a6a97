"""Rows of readings in PostgreSQL's binary formats, made and read by numpy.

A row at a time through the driver costs about a microsecond per value; a column at a time does not.
"""

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattmesh_metering.domain.readings import Ints, Rows

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01 in microseconds since 1970: PostgreSQL counts from there."""

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"

_FIELDS = (("point_key", ">i4"), ("source_key", ">i2"), ("quality", ">i2"))
_COPIED = (
    *_FIELDS,
    ("measure_time", ">i8"),
    ("value", ">f8"),
    ("received", ">i8"),
    ("ordinal", ">i4"),
)

# Payloads of NOTIFY are text below 8000 bytes.
_ANNOUNCED = np.dtype(
    [("key", "<i4"), ("time_us", "<i8"), ("value", "<f8"), ("quality", "i1"), ("reset", "i1")]
)
ANNOUNCED_ROWS = 5_900 // _ANNOUNCED.itemsize
"""How many readings go into one payload."""
ANNOUNCED_BYTES = ANNOUNCED_ROWS * _ANNOUNCED.itemsize
"""How much of `announced` goes into one payload: in base64, and in lines, it is below the limit."""


def copy_data(rows: Rows, source_keys: Ints, received: Ints, *, ordinals: bool = False) -> bytes:
    """Return rows for `COPY (point_key, source_key, quality, measure_time, value, received)`.

    With `ordinals` a seventh column holds each row's place.
    """
    data = np.repeat(_blank_row(_COPIED if ordinals else _COPIED[:-1]), len(rows))
    data["point_key"] = rows.keys
    data["source_key"] = source_keys
    data["quality"] = rows.qualities
    data["measure_time"] = rows.times_us - POSTGRES_EPOCH_US
    data["value"] = rows.values
    data["received"] = received
    if ordinals:
        data["ordinal"] = np.arange(len(rows))
    return _COPY_HEADER + data.tobytes() + _COPY_TRAILER


def _blank_row(fields: Sequence[tuple[str, str]]) -> NDArray[np.void]:
    """Return one row whose fields say their sizes, and nothing else yet."""
    layout = [("fields", ">i2")]
    for name, kind in fields:
        layout += [(f"{name}_size", ">i4"), (name, kind)]
    row = np.zeros(1, np.dtype(layout))
    row["fields"] = len(fields)
    for name, kind in fields:
        row[f"{name}_size"] = np.dtype(kind).itemsize
    return row


def ints_from_send(data: bytes | None) -> Ints:
    """Return what `string_agg(int4send(...), '')` gave."""
    return _column(data, ">i4").astype(np.int64)


def smallints_from_send(data: bytes | None) -> Ints:
    """Return what `string_agg(int2send(...), '')` gave."""
    return _column(data, ">i2").astype(np.int64)


def times_from_send(data: bytes | None) -> Ints:
    """Return what `string_agg(timestamptz_send(...), '')` gave [us since 1970]."""
    return _column(data, ">i8").astype(np.int64) + POSTGRES_EPOCH_US


def floats_from_send(data: bytes | None) -> NDArray[np.float64]:
    """Return what `string_agg(float8send(...), '')` gave."""
    return _column(data, ">f8").astype(np.float64)


def bools_from_send(data: bytes | None) -> NDArray[np.bool_]:
    """Return what `string_agg(boolsend(...), '')` gave."""
    return _column(data, "i1").astype(np.bool_)


def announced(rows: Rows) -> bytes:
    """Return the rows as they are announced, in pieces of ANNOUNCED_BYTES."""
    data = np.empty(len(rows), _ANNOUNCED)
    data["key"], data["time_us"], data["value"] = rows.keys, rows.times_us, rows.values
    data["quality"], data["reset"] = rows.qualities, rows.resets
    return data.tobytes()


def rows_from_announcement(payload: str) -> Rows:
    """Return the rows of one payload, a piece in base64."""
    data = np.frombuffer(base64.b64decode(payload), _ANNOUNCED)
    return Rows(
        keys=data["key"].astype(np.int64),
        times_us=data["time_us"].astype(np.int64),
        values=data["value"].astype(np.float64),
        qualities=data["quality"].astype(np.int64),
        resets=data["reset"].astype(np.bool_),
    )


def _column(data: bytes | None, kind: str) -> NDArray[np.generic]:
    column: NDArray[np.generic] = np.frombuffer(data or b"", kind)
    return column
