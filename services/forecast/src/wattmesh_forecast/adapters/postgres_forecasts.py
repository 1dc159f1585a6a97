"""Issued forecasts in PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.ports import Position
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_COLUMNS = "name, asset, kind, issue_time, source, start_time, resolution, quantile_ratios, power_w"
_ADD = f"INSERT INTO forecasts ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
_PAGE = f"""
SELECT {_COLUMNS} FROM forecasts
WHERE asset = %(asset)s
  AND (%(start)s::timestamptz IS NULL OR issue_time >= %(start)s)
  AND (%(end)s::timestamptz IS NULL OR issue_time < %(end)s)
  AND (%(time)s::timestamptz IS NULL OR (issue_time, name) < (%(time)s, %(name)s))
ORDER BY issue_time DESC, name DESC
LIMIT %(size)s
"""
_ISSUED = f"""
SELECT {_COLUMNS} FROM forecasts
WHERE asset = ANY(%s) AND issue_time >= %s AND issue_time < %s
ORDER BY issue_time, name
"""

Row = tuple[str, str, str, datetime, str, datetime, timedelta, list[float], list[list[float]]]


class PostgresForecastStore:
    """Forecasts in the table `forecasts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, forecasts: Sequence[Forecast]) -> None:
        """Store forecasts, all or none."""
        async with (
            self._database.transaction() as connection,
            connection.cursor() as cursor,
        ):
            await cursor.executemany(_ADD, [_to_row(forecast) for forecast in forecasts])

    async def page(
        self, asset: AssetId, issued: TimeRange | None, before: Position | None, size: int
    ) -> Sequence[Forecast]:
        """Return forecasts of an asset, newest first, beginning after a position."""
        values = {
            "asset": asset.name,
            "start": issued.start if issued else None,
            "end": issued.end if issued else None,
            "time": before.issue_time if before else None,
            "name": before.name if before else None,
            "size": size,
        }
        async with self._database.connection() as connection:
            rows: list[Row] = await (await connection.execute(_PAGE, values)).fetchall()
        return [_from_row(row) for row in rows]

    async def issued_in(
        self, assets: Sequence[AssetId], issued: TimeRange
    ) -> AsyncIterator[Forecast]:
        """Iterate over forecasts issued in a range, oldest first."""
        names = [asset.name for asset in assets]
        async with self._database.connection() as connection:
            cursor = await connection.execute(_ISSUED, (names, issued.start, issued.end))
            async for row in cursor:
                yield _from_row(row)


def _to_row(forecast: Forecast) -> Row:
    return (
        forecast.name,
        forecast.asset.name,
        forecast.kind.value,
        forecast.issue_time,
        forecast.source,
        forecast.start,
        forecast.resolution,
        list(forecast.ratios),
        forecast.power_w.tolist(),
    )


def _from_row(row: Row) -> Forecast:
    name, asset, kind, issue_time, source, start, resolution, ratios, power_w = row
    return Forecast(
        name=name,
        asset=AssetId.parse(asset),
        kind=Kind(kind),
        issue_time=issue_time,
        source=source,
        start=start,
        resolution=resolution,
        ratios=tuple(ratios),
        power_w=np.array(power_w, dtype=np.float64),
    )
