"""Reads a profile out of its YAML document; the schema of profiles stands here."""

from collections.abc import Mapping
from enum import Enum

from wattmesh_gateway.domain.command import SetpointKind
from wattmesh_gateway.domain.profile import (
    ModbusProfile,
    MqttProfile,
    Profile,
    SetpointProcedure,
)
from wattmesh_gateway.profiles.modbus_schema import parse_procedure, parse_scaled_number
from wattmesh_gateway.profiles.mqtt_schema import parse_telegram
from wattmesh_gateway.profiles.node import Keys, Node, parse_document
from wattmesh_gateway.profiles.points import parse_points


class _Driver(Enum):
    MQTT = "mqtt"
    MODBUS = "modbus"


_COMMON = ("title", "driver", "source")


def parse_profile(name: str, file: str, text: str) -> Profile:
    """Return the profile that a file describes; ProfileError when it breaks the schema."""
    root = parse_document(file, text)
    keys = root.entries()
    if "driver" not in keys:
        raise root.error("the key 'driver' is missing")
    match keys["driver"].choice(_Driver):
        case _Driver.MQTT:
            return _parse_mqtt(name, root)
        case _Driver.MODBUS:
            return _parse_modbus(name, root)


def _parse_mqtt(name: str, root: Node) -> MqttProfile:
    keys = root.mapping(required=(*_COMMON, "telegrams"))
    keys["source"].text()
    return MqttProfile(
        name=name,
        title=keys["title"].text(),
        telegrams=[parse_telegram(each) for each in keys["telegrams"].items()],
    )


def _parse_modbus(name: str, root: Node) -> ModbusProfile:
    keys = root.mapping(
        required=(*_COMMON, "points"),
        optional=("setpoints", "base_addresses", "max_registers"),
    )
    keys["source"].text()
    defaults = ModbusProfile(name=name, title="", points={})
    return ModbusProfile(
        name=name,
        title=keys["title"].text(),
        points=parse_points(keys["points"], parse_scaled_number),
        setpoints=_parse_setpoints(keys),
        base_addresses=_parse_bases(keys, defaults.base_addresses),
        max_registers=(
            keys["max_registers"].integer(1, 125)
            if "max_registers" in keys
            else defaults.max_registers
        ),
    )


def _parse_setpoints(keys: Keys) -> Mapping[SetpointKind, SetpointProcedure]:
    if "setpoints" not in keys:
        return {}
    return {
        node.key_as(SetpointKind): parse_procedure(node)
        for node in keys["setpoints"].entries().values()
    }


def _parse_bases(keys: Keys, default: tuple[int, ...]) -> tuple[int, ...]:
    if "base_addresses" not in keys:
        return default
    return tuple(each.integer(0, 65535) for each in keys["base_addresses"].items())
