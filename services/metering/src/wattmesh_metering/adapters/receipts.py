"""When a reading came and from whom, in one number; and what a group touched, packed.

A receipt holds the milliseconds since 2000 in its upper 41 bits and the source's key in the lower
22: it orders readings by when they came and costs a row no more than a time.
"""

from datetime import UTC, datetime, timedelta

import numpy as np

from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.readings import Ints

SOURCE_BITS = 22
SOURCE_MASK = (1 << SOURCE_BITS) - 1
MOST_FORMER_SOURCES = 32_767
"""Most that the former column of sources holds; a later source stands in the receipt alone."""

_BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_TOUCHED = np.dtype(
    [
        ("keys", "<i4"),
        ("sources", "<i4"),
        ("first_us", "<i8"),
        ("last_us", "<i8"),
        ("stored", "<i4"),
        ("telegrams", "<i4"),
    ]
)


def receipts(now: datetime, source_keys: Ints) -> Ints:
    """Return the receipts of readings that come now from these sources."""
    found: Ints = (((now - _BEGIN) // _MILLISECOND) << SOURCE_BITS) | source_keys
    return found


def first_after(known_by: datetime) -> int:
    """Return the first receipt of what came after a time: what was known then is below it."""
    return ((known_by - _BEGIN) // _MILLISECOND + 1) << SOURCE_BITS


def receive_time(receipt: int | None) -> datetime | None:
    """Return when a reading came, to the millisecond; None: it was not noted."""
    return None if receipt is None else _BEGIN + (receipt >> SOURCE_BITS) * _MILLISECOND


def pack(touched: Touched) -> bytes:
    """Return what was touched as bytes; sources are keys."""
    data = np.empty(len(touched), _TOUCHED)
    for name in _TOUCHED.names or ():
        data[name] = getattr(touched, name)
    return data.tobytes()


def unpack(data: bytes) -> Touched:
    """Return what was packed."""
    rows = np.frombuffer(data, _TOUCHED)
    columns = {name: rows[name].astype(np.int64) for name in _TOUCHED.names or ()}
    return Touched(**columns)
