"""Charging sessions, in the spool's file, until they were handed on."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.domain.session import ChargingSession
from wattmesh_gateway.domain.stay import Plug
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.documents import DocumentCodec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CODEC: DocumentCodec[ChargingSession] = DocumentCodec(ChargingSession)
_PLUGS: DocumentCodec[Plug] = DocumentCodec(Plug)


class SqliteSessionOutbox:
    """Keeps the newest of each session."""

    def __init__(self, database: SpoolDatabase) -> None:
        self._database = database

    async def keep(self, sessions: Sequence[ChargingSession]) -> None:
        """Keep sessions as they are now, in place of what was kept of them; older ones are not."""
        await self._database.run(lambda db: _keep(db, sessions))

    async def keep_with(
        self, device: DeviceId, plug: Plug, sessions: Sequence[ChargingSession]
    ) -> None:
        """Keep sessions and what is known of the charger, both or neither."""
        row = (device.name, _PLUGS.to_json(plug).decode())

        def work(db: sqlite3.Connection) -> None:
            _keep(db, sessions)
            db.execute("REPLACE INTO plugs VALUES (?, ?)", row)

        await self._database.run(work)

    async def plugs(self) -> Mapping[DeviceId, Plug]:
        """Return what is known of each charger; what cannot be read is not known."""
        rows = await self._database.run(
            lambda db: db.execute("SELECT device, document FROM plugs").fetchall()
        )
        return {DeviceId.parse(name): _PLUGS.from_json(document) for name, document in rows}

    async def unsent(self, limit: int) -> Sequence[ChargingSession]:
        """Return sessions that were not handed on as they are now, oldest first."""
        rows = await self._database.run(
            lambda db: db.execute(
                "SELECT document FROM sessions WHERE NOT sent ORDER BY measure_time_us LIMIT ?",
                (limit,),
            ).fetchall()
        )
        return [_CODEC.from_json(document) for (document,) in rows]

    async def mark_sent(self, session: ChargingSession) -> None:
        """Take note that a session was handed on, unless it is another by now."""
        key = (session.key, _document(session))
        await self._database.run(
            lambda db: db.execute(
                "UPDATE sessions SET sent = 1 WHERE session = ? AND document = ?", key
            )
        )

    async def forget_before(self, time: datetime) -> None:
        """Delete sessions that were handed on and last said something before."""
        await self._database.run(
            lambda db: db.execute(
                "DELETE FROM sessions WHERE sent AND measure_time_us < ?", (_to_us(time),)
            )
        )


def _keep(db: sqlite3.Connection, sessions: Sequence[ChargingSession]) -> None:
    db.executemany(
        "INSERT INTO sessions VALUES (?, ?, ?, 0) ON CONFLICT (session) DO UPDATE SET "
        "document = excluded.document, measure_time_us = excluded.measure_time_us, sent = 0 "
        "WHERE excluded.measure_time_us >= sessions.measure_time_us "
        "AND excluded.document <> sessions.document",
        [(each.key, _document(each), _to_us(each.measure_time)) for each in sessions],
    )


def _document(session: ChargingSession) -> str:
    return _CODEC.to_json(session).decode()


def _to_us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
