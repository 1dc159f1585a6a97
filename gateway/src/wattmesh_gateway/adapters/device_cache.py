"""The list of devices in the spool's file, so that the gateway starts without metering."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.domain.device import Device, ModbusAddress, ModbusEndpoint, MqttAddress
from wattmesh_kernel.ids import DeviceId


class SqliteDeviceCache:
    """Keeps each device as a JSON document."""

    def __init__(self, database: SpoolDatabase) -> None:
        self._database = database

    async def load_devices(self) -> Sequence[Device]:
        """Return the devices last saved, by name."""
        rows = await self._database.run(
            lambda db: db.execute("SELECT name, document FROM devices ORDER BY name").fetchall()
        )
        return [_device(name, json.loads(document)) for name, document in rows]

    async def save_devices(self, devices: Sequence[Device]) -> None:
        """Replace the saved devices."""
        rows = [(device.id.name, json.dumps(_document(device))) for device in devices]
        await self._database.run(lambda db: _replace(db, rows))


def _replace(db: sqlite3.Connection, rows: Sequence[tuple[str, str]]) -> None:
    db.execute("DELETE FROM devices")
    db.executemany("INSERT INTO devices VALUES (?, ?)", rows)


def _document(device: Device) -> dict[str, Any]:
    document: dict[str, Any] = {
        "profile": device.profile,
        "points": sorted(device.points),
        "reporting_interval_s": device.reporting_interval.total_seconds(),
    }
    match device.connection:
        case MqttAddress(address=address):
            document["mqtt"] = {"address": address}
        case ModbusAddress(endpoint=endpoint, unit_id=unit_id):
            document["modbus"] = {"host": endpoint.host, "port": endpoint.port, "unit_id": unit_id}
    return document


def _device(name: str, document: dict[str, Any]) -> Device:
    return Device(
        id=DeviceId.parse(name),
        profile=document["profile"],
        connection=_connection(document),
        points=frozenset(document["points"]),
        reporting_interval=timedelta(seconds=document["reporting_interval_s"]),
    )


def _connection(document: dict[str, Any]) -> MqttAddress | ModbusAddress:
    if "mqtt" in document:
        return MqttAddress(address=document["mqtt"]["address"])
    modbus = document["modbus"]
    return ModbusAddress(
        endpoint=ModbusEndpoint(host=modbus["host"], port=modbus["port"]),
        unit_id=modbus["unit_id"],
    )
