"""What the MQTT driver is told by the environment."""

from pydantic import field_validator

from wattmesh_gateway.drivers.mqtt.broker import parse_broker
from wattmesh_runtime.settings import ServiceSettings


class MqttSettings(ServiceSettings):
    """Settings of the MQTT driver."""

    mqtt_url: str
    """`mqtt://[user:password@]host[:port]`; `mqtts://` for TLS."""

    @field_validator("mqtt_url")
    @classmethod
    def _is_a_broker(cls, url: str) -> str:
        parse_broker(url)
        return url
