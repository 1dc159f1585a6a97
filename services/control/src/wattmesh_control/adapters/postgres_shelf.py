"""The site model as last fetched, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from wattmesh_control.domain.envelope import ControllableDevice, Envelope, Envelopes
from wattmesh_control.domain.setpoint import SetpointKind
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId
from wattmesh_runtime.database import Database

_FETCHED = """
INSERT INTO device_fetches (fetch_time) VALUES (%s)
ON CONFLICT (one) DO UPDATE SET fetch_time = excluded.fetch_time
"""

_ADD = "INSERT INTO devices (device, asset, gateway, envelopes) VALUES (%s, %s, %s, %s)"


class PostgresDeviceShelf:
    """DeviceShelf."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[ControllableDevice] | None:
        """Return what was kept; None when nothing ever was."""
        async with self._database.connection() as connection:
            fetched = await connection.execute("SELECT fetch_time FROM device_fetches")
            if await fetched.fetchone() is None:
                return None
            cursor = await connection.execute(
                "SELECT device, asset, gateway, envelopes FROM devices"
            )
            return [_device(*row) for row in await cursor.fetchall()]

    async def store(self, devices: Sequence[ControllableDevice], now: datetime) -> None:
        """Keep these devices in place of those before."""
        async with self._database.transaction() as connection:
            await connection.execute(_FETCHED, (now,))
            await connection.execute("DELETE FROM devices")
            rows = [_values(device) for device in devices]
            await connection.cursor().executemany(_ADD, rows)


def _values(device: ControllableDevice) -> tuple[object, ...]:
    envelopes = {
        kind.value: {
            "low": envelope.low,
            "high": envelope.high,
            "gap": envelope.gap,
            "watts_per_unit": envelope.watts_per_unit,
        }
        for kind, envelope in device.envelopes.items()
    }
    return (device.device.name, device.asset.name, device.gateway.name, Jsonb(envelopes))


def _device(
    device: str, asset: str, gateway: str, envelopes: Mapping[str, Mapping[str, Any]]
) -> ControllableDevice:
    return ControllableDevice(
        device=DeviceId.parse(device),
        asset=AssetId.parse(asset),
        gateway=GatewayId.parse(gateway),
        envelopes=_envelopes(envelopes),
    )


def _envelopes(entries: Mapping[str, Mapping[str, Any]]) -> Envelopes:
    return {
        SetpointKind(kind): Envelope(
            low=entry["low"],
            high=entry["high"],
            gap=None if entry["gap"] is None else (entry["gap"][0], entry["gap"][1]),
            watts_per_unit=entry["watts_per_unit"],
        )
        for kind, entry in entries.items()
    }
