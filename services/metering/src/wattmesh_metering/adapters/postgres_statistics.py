"""Counts of what was ingested."""

from collections import Counter

from psycopg import AsyncConnection

from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.adapters.receipts import SOURCE_MASK, unpack
from wattmesh_metering.app.ports import DeviceCount, IngestStatistics
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_runtime.database import Database

_SOURCES = """
SELECT coalesce(sum(duplicates), 0)::bigint, coalesce(sum(revised), 0)::bigint,
    coalesce(sum(rejected), 0)::bigint
FROM sources WHERE %(source)s = '' OR name = %(source)s
"""

_DEVICES = """
SELECT device, sum(stored)::bigint, sum(telegrams)::bigint
FROM device_counts
WHERE %(source)s = ''
   OR source_key = (SELECT source_key FROM sources WHERE name = %(source)s)
GROUP BY device
"""
# What is committed and not added up yet: little, as long as it is judged in time.
_ARRIVALS = "SELECT touched FROM arrivals"
_ARRIVED_POINTS = """
SELECT point_key, device, (SELECT source_key FROM sources WHERE name = %s)
FROM points WHERE point_key = ANY(%s)
"""

_DEVICES_IN_SPAN = f"""
SELECT points.device, count(*), count(DISTINCT readings.measure_time)
FROM readings JOIN points USING (point_key)
WHERE (%(source)s = '' OR coalesce(readings.received & {SOURCE_MASK}, readings.source_key)
           = (SELECT source_key FROM sources WHERE name = %(source)s))
  AND readings.measure_time >= %(start)s AND readings.measure_time < %(end)s
GROUP BY points.device
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
            duplicates, revised, rejected = await cursor.fetchone() or (0, 0, 0)
            counts = Counter[str](), Counter[str]()
            statement = _DEVICES if span is None else _DEVICES_IN_SPAN
            cursor = await connection.execute(statement, parameters)
            for device, stored, telegrams in await cursor.fetchall():
                counts[0][device] += stored
                counts[1][device] += telegrams
            if span is None:
                await _add_arrivals(connection, source, counts)
        devices = tuple(
            DeviceCount(
                device=DeviceId.parse(name), stored=counts[0][name], measure_times=counts[1][name]
            )
            for name in sorted(counts[0])
            if counts[0][name]
        )
        return IngestStatistics(
            stored=sum(device.stored for device in devices),
            duplicates=duplicates,
            revised=revised,
            rejected=rejected,
            devices=devices,
        )


async def _add_arrivals(
    connection: AsyncConnection, source: str, counts: tuple[Counter[str], Counter[str]]
) -> None:
    cursor = await connection.execute(_ARRIVALS)
    arrived = [unpack(touched) for (touched,) in await cursor.fetchall()]
    if not arrived:
        return
    touched = Touched.concatenated(arrived)
    cursor = await connection.execute(_ARRIVED_POINTS, (source, touched.keys.tolist()))
    points = {key: (device, source_key) for key, device, source_key in await cursor.fetchall()}
    columns = (touched.keys, touched.sources, touched.stored, touched.telegrams)
    for key, of, stored, telegrams in zip(*(each.tolist() for each in columns), strict=True):
        device, wanted = points.get(key, (None, None))
        if device is not None and (not source or of == wanted):
            counts[0][device] += stored
            counts[1][device] += telegrams
