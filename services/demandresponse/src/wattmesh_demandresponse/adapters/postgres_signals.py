"""Activation signals of reserves, in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta

from wattmesh_demandresponse.domain.reserve import Said
from wattmesh_kernel.programme_ids import EventId
from wattmesh_runtime.database import Database

_KEEP = """
INSERT INTO reserve_signals (event, signal_time, ratio, hold_s) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_OF = "SELECT signal_time, ratio, hold_s FROM reserve_signals WHERE event = %s ORDER BY signal_time"


class PostgresSignals:
    """Signals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, event: EventId, said: Said) -> None:
        """Keep a signal; one of the same time stays as it was."""
        values = (event.name, said.time, said.ratio, said.hold.total_seconds())
        async with self._database.connection() as connection:
            await connection.execute(_KEEP, values)

    async def of(self, event: EventId) -> Sequence[Said]:
        """Return the signals of an event, in order of time."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_OF, (event.name,))).fetchall()
        return [
            Said(time=time, ratio=ratio, hold=timedelta(seconds=hold_s))
            for time, ratio, hold_s in rows
        ]
