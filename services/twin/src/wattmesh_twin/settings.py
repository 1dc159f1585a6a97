"""What the twin is told by its environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from wattmesh_runtime.settings import ServiceSettings

CITYLEARN = Path(".wattmesh/data/citylearn/citylearn/data/citylearn_challenge_2022_phase_all")
"""Where setting up puts the data of the demo, below the working folder."""


class TwinSettings(ServiceSettings):
    """Settings of the twin, `WATTMESH_*`."""

    data_folder: Path = CITYLEARN
    """Data folder; its layout is in this service's README."""
    homes: str = "1-5"
    """Which sites of the data are simulated, counted from 1: `1-3,7`."""
    ledger_folder: Path = Path(".wattmesh/ledger")
    """Folder of this run's ledger; a restart with the same folder continues the run."""
    mqtt_url: str = "mqtt://127.0.0.1:1883"
    """The broker that meters publish to; `mqtts://` for TLS."""
    modbus_host: str = "127.0.0.1"
    """Address on which inverters and batteries listen, and at which metering is told they are."""
    modbus_port_base: int = Field(default=0, ge=0, le=65000)
    """Port of the first site, the next ones following; 0: free ones, the same at every restart."""
    metering_target: str
    """host:port of metering."""
    carbon_target: str
    """host:port of carbon."""
    usage_target: str | None = None
    """host:port of usage, where drivers say what they need; none: nobody says anything."""
    gateway_target: str | None = None
    """host:port of the gateway that meters wait for before their first word; none: they do not."""
    ocpp_url: str = ""
    """`ws://host:port` where charge points dial in; without it they do not."""
    gateway: str = "gateways/local"
    """`gateways/{gateway}` that talks to the devices."""
    reporting_minutes: int = Field(default=15, gt=0, le=60)
    """How often meters publish, and how often polled devices should be read [simulated min]."""
    history_days: int = Field(default=120, ge=0)
    """How much of the data before the start metering is given; less when there is less [d]."""
    peak_price_per_kw: float | None = Field(default=None, ge=0)
    """What the group's highest import of a month is worth [currency/kW]; the layout's if absent."""

    @property
    def reporting_interval(self) -> timedelta:
        """How often meters publish."""
        return timedelta(minutes=self.reporting_minutes)
