"""What the gateway is told by its environment."""

from pathlib import Path

from pydantic import Field, field_validator

from wattmesh_gateway.drivers.registry import DriverSettings
from wattmesh_kernel.ids import GatewayId


class GatewaySettings(DriverSettings):
    """Settings of the gateway, with those of its drivers, read from `WATTMESH_*` variables."""

    gateway: str = "gateways/local"
    """Resource name of this gateway; its devices are those that name it. Also its MQTT client."""
    metering_target: str
    """gRPC target of metering: readings go there, the site model comes from there."""
    control_target: str
    """gRPC target of control: commands come from there."""
    usage_target: str | None = None
    """gRPC target of usage: charging sessions go there; none: where metering is."""
    spool_file: Path
    """File of the spool; it and the site model beside it must stay where they are between runs."""
    spool_limit: int = Field(default=2_000_000, gt=0)
    """Most readings in the spool; when it is full, telegrams stay with the broker."""
    reread_seconds: float = Field(default=30.0, gt=0)
    """How often a device is asked within a lease whether it still holds its setpoint [s]."""
    profile_folder: Path | None = None
    """Folder of further device profiles; they go before those of the package."""

    @field_validator("gateway")
    @classmethod
    def _is_a_gateway(cls, name: str) -> str:
        GatewayId.parse(name)
        return name

    @property
    def journal_file(self) -> Path:
        """Where commands, what devices hold, and loop policies are kept: beside the spool."""
        return self.spool_file.with_suffix(".journal")

    @property
    def site_model_file(self) -> Path:
        """Where the last known site model is kept: beside the spool."""
        return self.spool_file.with_suffix(".site-model")
