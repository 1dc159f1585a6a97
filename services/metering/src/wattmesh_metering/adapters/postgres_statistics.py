"""Counts of what was ingested."""

from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.ports import DeviceCount, IngestStatistics
from wattmesh_runtime.database import Database

_SOURCES = """
SELECT coalesce(sum(duplicates), 0)::bigint, coalesce(sum(rejected), 0)::bigint
FROM sources WHERE %(source)s = '' OR name = %(source)s
"""

_DEVICES = """
SELECT points.device, count(*), count(DISTINCT readings.measure_time)
FROM readings JOIN points USING (point_key)
WHERE (%(source)s = ''
       OR readings.source_key = (SELECT source_key FROM sources WHERE name = %(source)s))
  AND (%(start)s::timestamptz IS NULL
       OR readings.measure_time >= %(start)s AND readings.measure_time < %(end)s)
GROUP BY points.device
ORDER BY points.device
"""


class PostgresStatistics:
    """Counts in the tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, source: str, span: TimeRange | None) -> IngestStatistics:
        """Count readings of a source, or of all; kept ones measured in the span only."""
        parameters = {
            "source": source,
            "start": span.start if span else None,
            "end": span.end if span else None,
        }
        async with self._database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor = await connection.execute(_SOURCES, parameters)
            duplicates, rejected = await cursor.fetchone() or (0, 0)
            cursor = await connection.execute(_DEVICES, parameters)
            devices = tuple(
                DeviceCount(device=DeviceId.parse(name), stored=stored, measure_times=times)
                for name, stored, times in await cursor.fetchall()
            )
        return IngestStatistics(
            stored=sum(device.stored for device in devices),
            duplicates=duplicates,
            rejected=rejected,
            devices=devices,
        )
