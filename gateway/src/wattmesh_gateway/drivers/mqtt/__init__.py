"""MQTT: devices that publish JSON telegrams, and are set by what is published to them."""

from wattmesh_gateway.drivers.kind import DriverKind
from wattmesh_gateway.drivers.mqtt.driver import start_mqtt
from wattmesh_gateway.drivers.mqtt.schema import parse_mqtt_profile
from wattmesh_gateway.drivers.mqtt.settings import MqttSettings

MQTT: DriverKind[MqttSettings] = DriverKind(
    protocol="mqtt", schema=parse_mqtt_profile, start=start_mqtt
)

__all__ = ["MQTT"]
