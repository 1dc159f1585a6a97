"""Issued forecasts in PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.adapters.float_arrays import FloatArray, FloatArrayDumper
from wattmesh_forecast.app.ports import Position
from wattmesh_forecast.domain.doubt import Refusal
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.input_faults import Finding, InputFault
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_TYPES = {
    "name": "text",
    "asset": "text",
    "kind": "text",
    "issue_time": "timestamptz",
    "source": "text",
    "start_time": "timestamptz",
    "resolution": "interval",
    "quantile_ratios": "float8[]",
    "power_w": "float8[]",
    "last_measured_time": "timestamptz",
    "input_faults": "text[]",
    "input_fault_hours": "int4[]",
    "model_refusal": "text",
}
_COLUMNS = ", ".join(_TYPES)
_ADD = f"COPY forecasts ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_GET = f"SELECT {_COLUMNS} FROM forecasts WHERE name = %s"
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

Row = tuple[
    str,
    str,
    str,
    datetime,
    str,
    datetime,
    timedelta,
    list[float],
    list[list[float]],
    datetime | None,
    list[str],
    list[int],
    str | None,
]


class PostgresForecastStore:
    """Forecasts in the view `forecasts`, which keeps them in a table held to callers' reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, forecasts: Sequence[Forecast]) -> None:
        """Store forecasts, all or none."""
        if not forecasts:
            return
        # One statement, which commits by itself.
        async with self._database.connection() as connection, connection.cursor() as cursor:
            cursor.adapters.register_dumper(FloatArray, FloatArrayDumper)
            async with cursor.copy(_ADD) as copy:
                copy.set_types(list(_TYPES.values()))
                for forecast in forecasts:
                    await copy.write_row(_to_row(forecast))

    async def get(self, name: str) -> Forecast:
        """Return a forecast; NotFound."""
        async with self._database.connection_for_caller() as connection:
            row: Row | None = await (await connection.execute(_GET, (name,))).fetchone()
        if row is None:
            raise NotFound("FORECAST_NOT_FOUND", f"there is no {name}")
        return _from_row(row)

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
        async with self._database.connection_for_caller() as connection:
            rows: list[Row] = await (await connection.execute(_PAGE, values)).fetchall()
        return [_from_row(row) for row in rows]

    async def issued_in(
        self, assets: Sequence[AssetId], issued: TimeRange
    ) -> AsyncIterator[Forecast]:
        """Iterate over forecasts issued in a range, oldest first."""
        names = [asset.name for asset in assets]
        async with self._database.connection_for_caller() as connection:
            cursor = await connection.execute(_ISSUED, (names, issued.start, issued.end))
            async for row in cursor:
                yield _from_row(row)


def _to_row(forecast: Forecast) -> tuple[object, ...]:
    return (
        forecast.name,
        forecast.asset.name,
        forecast.kind.value,
        forecast.issue_time,
        forecast.source,
        forecast.start,
        forecast.resolution,
        FloatArray(np.array(forecast.ratios)),
        FloatArray(forecast.power_w),
        forecast.last_measured,
        [each.fault.value for each in forecast.findings],
        [each.hours for each in forecast.findings],
        None if forecast.refusal is None else forecast.refusal.value,
    )


def _from_row(row: Row) -> Forecast:
    name, asset, kind, issue_time, source, start, resolution, ratios, power_w = row[:9]
    last, faults, fault_hours, refusal = row[9:]
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
        last_measured=last,
        findings=tuple(
            Finding(fault=InputFault(fault), hours=hours)
            for fault, hours in zip(faults, fault_hours, strict=True)
        ),
        refusal=None if refusal is None else Refusal(refusal),
    )
