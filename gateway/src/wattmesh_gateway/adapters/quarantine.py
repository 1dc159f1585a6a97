"""Telegrams that were set aside, in the spool's file: bounded, the newest stay."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.domain.telegram import MOST_KEPT_BYTES, QuarantinedTelegram
from wattmesh_kernel.ids import DeviceId

MOST_TELEGRAMS = 1_000
MOST_OF_A_DEVICE = 100
"""A device that talks nonsense all the time does not push out what others said."""
MOST_BYTES = 4 * 1024 * 1024
_LOOK_EVERY = 16
"""Telegrams after which the bounds are looked at; so much room is always left below them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_COLUMNS = "id, origin, device, reason, payload, payload_bytes, arrival_us"

_Row = tuple[int, str, str | None, str, bytes, int, int]


class SqliteQuarantine:
    """Reads what was set aside; the spool writes it, together with what was understood."""

    def __init__(self, database: SpoolDatabase) -> None:
        self._database = database

    async def page(
        self, device: DeviceId | None, after: int, size: int
    ) -> Sequence[QuarantinedTelegram]:
        """Return up to `size` telegrams with an id above `after`, of a device or of all."""
        name = None if device is None else device.name
        rows = await self._database.run(
            lambda db: db.execute(
                f"SELECT {_COLUMNS} FROM quarantine WHERE id > ? AND (? IS NULL OR device = ?) "
                "ORDER BY id LIMIT ?",
                (after, name, name, size),
            ).fetchall()
        )
        return [_telegram(row) for row in rows]


def keep(db: sqlite3.Connection, telegrams: Iterable[QuarantinedTelegram]) -> int:
    """Set telegrams aside, let the oldest go beyond the bounds, and return how many came."""
    count = 0
    for each in telegrams:
        device = None if each.device is None else each.device.name
        added = db.execute(
            "INSERT INTO quarantine (origin, device, reason, payload, payload_bytes, arrival_us) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(each.origin, device, each.reason, each.payload, each.payload_bytes),
                (each.arrival - _EPOCH) // _MICROSECOND,
            ),
        )
        _bound_device(db, device)
        if (added.lastrowid or 0) % _LOOK_EVERY == 0:
            _bound_all(db)
        count += 1
    return count


def discard(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Forget telegrams that were understood at last."""
    db.executemany("DELETE FROM quarantine WHERE id = ?", [(each,) for each in ids])


def _bound_device(db: sqlite3.Connection, device: str | None) -> None:
    db.execute(
        "DELETE FROM quarantine WHERE device IS ?1 AND id <= "
        "(SELECT id FROM quarantine WHERE device IS ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (device, MOST_OF_A_DEVICE),
    )


def _bound_all(db: sqlite3.Connection) -> None:
    db.execute(
        "DELETE FROM quarantine WHERE id <= (SELECT MAX(id) FROM (SELECT id, "
        "COUNT(*) OVER newest AS number, SUM(LENGTH(payload)) OVER newest AS bytes "
        "FROM quarantine WINDOW newest AS (ORDER BY id DESC)) WHERE number > ? OR bytes > ?)",
        (MOST_TELEGRAMS - _LOOK_EVERY, MOST_BYTES - _LOOK_EVERY * MOST_KEPT_BYTES),
    )


def _telegram(row: _Row) -> QuarantinedTelegram:
    id_, origin, device, reason, payload, payload_bytes, arrival_us = row
    return QuarantinedTelegram(
        id=id_,
        origin=origin,
        device=None if device is None else DeviceId.parse(device),
        reason=reason,
        payload=payload,
        payload_bytes=payload_bytes,
        arrival=_EPOCH + arrival_us * _MICROSECOND,
    )
