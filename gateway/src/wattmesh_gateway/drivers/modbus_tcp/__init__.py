"""Modbus TCP: devices that are polled and set, by plain registers or SunSpec models."""

from wattmesh_gateway.drivers.kind import DriverKind
from wattmesh_gateway.drivers.modbus_tcp.driver import start_modbus
from wattmesh_gateway.drivers.modbus_tcp.schema import parse_modbus_profile
from wattmesh_gateway.drivers.modbus_tcp.settings import ModbusSettings

MODBUS_TCP: DriverKind[ModbusSettings] = DriverKind(
    protocol="modbus_tcp", schema=parse_modbus_profile, start=start_modbus
)

__all__ = ["MODBUS_TCP"]
