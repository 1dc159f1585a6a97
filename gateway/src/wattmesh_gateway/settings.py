"""What the gateway is told by its environment."""

from pathlib import Path

from pydantic import Field, field_validator

from wattmesh_gateway.drivers.mqtt import parse_broker
from wattmesh_kernel.ids import GatewayId
from wattmesh_runtime.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """Settings of the gateway, read from `WATTMESH_*` variables."""

    gateway: str = "gateways/local"
    """Resource name of this gateway; its devices are those that name it. Also its MQTT client."""
    mqtt_url: str
    """`mqtt://[user:password@]host[:port]`; `mqtts://` for TLS."""
    metering_target: str
    """gRPC target of metering: readings go there, devices come from there."""
    control_target: str
    """gRPC target of control: commands come from there."""
    spool_file: Path
    """File of the spool; it must stay where it is between runs."""
    spool_limit: int = Field(default=2_000_000, gt=0)
    """Most readings in the spool; when it is full, telegrams stay with the broker."""
    profile_folder: Path | None = None
    """Folder of further device profiles; they go before those of the package."""
    device_refresh_seconds: float = Field(default=10.0, gt=0)
    """How often metering is asked for the devices [s of the wall]."""
    modbus_timeout_seconds: float = Field(default=1.0, gt=0)
    """How long a Modbus device may take to answer [s of the wall]."""

    @field_validator("gateway")
    @classmethod
    def _is_a_gateway(cls, name: str) -> str:
        GatewayId.parse(name)
        return name

    @field_validator("mqtt_url")
    @classmethod
    def _is_a_broker(cls, url: str) -> str:
        parse_broker(url)
        return url
