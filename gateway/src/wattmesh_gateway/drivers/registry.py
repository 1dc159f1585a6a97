"""The protocols that the gateway talks: a further one is a folder here and a line in this file."""

from wattmesh_gateway.drivers.kind import DriverKind
from wattmesh_gateway.drivers.modbus_tcp import MODBUS_TCP
from wattmesh_gateway.drivers.modbus_tcp.settings import ModbusSettings
from wattmesh_gateway.drivers.mqtt import MQTT
from wattmesh_gateway.drivers.mqtt.settings import MqttSettings
from wattmesh_gateway.drivers.ocpp import OCPP
from wattmesh_gateway.drivers.ocpp.settings import OcppSettings
from wattmesh_gateway.profiles.parse import Schema


class DriverSettings(MqttSettings, ModbusSettings, OcppSettings):
    """The settings of all drivers; a protocol that has settings adds its class here."""


DRIVER_KINDS: tuple[DriverKind[DriverSettings], ...] = (MODBUS_TCP, MQTT, OCPP)

SCHEMAS: dict[str, Schema] = {kind.protocol: kind.schema for kind in DRIVER_KINDS}
"""How the profiles of each protocol are read."""
