"""One simulated charger on its real protocol: `python -m wattmesh_twin.charger`.

It dials in over OCPP 1.6 at `WATTMESH_OCPP_URL`, listens on Modbus TCP at
`WATTMESH_MODBUS_ADDRESS`, or speaks on MQTT at `WATTMESH_MQTT_URL`; vehicles come and go as
`WATTMESH_VISITS_FILE` says, by the clock of the mesh.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from wattmesh_runtime.service import Runtime, Service, run_service
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_twin.adapters.go_e import GoETwin
from wattmesh_twin.adapters.keba import KebaTwin
from wattmesh_twin.adapters.mqtt_device import MqttDevice
from wattmesh_twin.adapters.ocpp_point import OcppTwin
from wattmesh_twin.adapters.v2g_charger import V2gChargerTwin
from wattmesh_twin.adapters.visits import load_visits
from wattmesh_twin.adapters.wallbox import WallboxTwin
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.charger import Charger, FixedOffer
from wattmesh_twin.domain.charging_profiles import ChargingProfiles
from wattmesh_twin.domain.watched_limit import WatchedLimit

_WALLBOX_MOST_A = 16.0
_V2G_MOST_W = 11_040.0
_WATCHDOG = timedelta(seconds=15)


class ChargerSettings(ServiceSettings):
    """Settings of a simulated charger, `WATTMESH_*`."""

    visits_file: Path
    """CSV of visits; its columns are in this service's README."""
    ocpp_url: str = ""
    """`ws://host:port` of a central system: the charger is a charge point on OCPP 1.6."""
    charge_point_id: str = "twin"
    """The id with which it dials in."""
    modbus_address: str = ""
    """host:port on which it listens: the charger is a wallbox on Modbus TCP."""
    modbus_product: Literal["amperfied", "keba"] = "amperfied"
    """Whose registers it has then."""
    mqtt_url: str = ""
    """`mqtt://host:port` of the broker at which it speaks."""
    mqtt_product: Literal["go-e", "v2g"] = "go-e"
    """Whose topics it has then; `v2g` takes power out of vehicles as well."""
    mqtt_address: str = "000000"
    """Its serial number or address there."""
    mqtt_interval: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))
    """How often it says how it stands."""
    max_current_a: float = Field(default=32.0, gt=0)
    """Most current per phase of a charge point; a wallbox on Modbus or MQTT has 16 A."""

    @model_validator(mode="after")
    def _has_one_protocol(self) -> Self:
        if sum(map(bool, (self.ocpp_url, self.modbus_address, self.mqtt_url))) != 1:
            raise ValueError("one of ocpp_url, modbus_address and mqtt_url is needed")
        return self


@asynccontextmanager
async def wire(settings: ChargerSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Build the charger, and return what is to run."""
    charger = Charger(visits=load_visits(settings.visits_file))
    clock = runtime.clock
    async with AsyncExitStack() as stack:
        if settings.ocpp_url:
            most = settings.max_current_a
            twin = ChargerTwin(charger, ChargingProfiles(max_current_a=most), clock)
            point = OcppTwin(settings.charge_point_id, settings.ocpp_url, twin, most)
            yield Service(name="charger", register=(), service_names=(), tasks=(point.run,))
            return
        if settings.mqtt_url:
            twin = ChargerTwin(charger, FixedOffer(offered_a=0.0), clock)
            where = (settings.mqtt_url, settings.mqtt_address, settings.mqtt_interval)
            wallbox: MqttDevice = (
                V2gChargerTwin(twin, _V2G_MOST_W, *where)
                if settings.mqtt_product == "v2g"
                else GoETwin(twin, _WALLBOX_MOST_A, *where)
            )
            yield Service(name="charger", register=(), service_names=(), tasks=(wallbox.run,))
            return
        limit = WatchedLimit(
            set_a=_WALLBOX_MOST_A,
            failsafe_a=0.0,
            max_current_a=_WALLBOX_MOST_A,
            watchdog=_WATCHDOG,
            heard=clock.now(),
        )
        host, _, port = settings.modbus_address.rpartition(":")
        twin = ChargerTwin(charger, limit, clock)
        product = KebaTwin if settings.modbus_product == "keba" else WallboxTwin
        await stack.enter_async_context(product(twin, limit, host, int(port)))
        yield Service(name="charger", register=(), service_names=(), tasks=())


if __name__ == "__main__":
    run_service(ChargerSettings, wire)
