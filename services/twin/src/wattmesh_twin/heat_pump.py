"""One simulated zone with its heat pump on its real protocol: `python -m wattmesh_twin.heat_pump`.

It listens on Modbus TCP at `WATTMESH_MODBUS_ADDRESS`, or speaks on MQTT at `WATTMESH_MQTT_URL`; its
weather comes again every day, around `WATTMESH_MEAN_CELSIUS`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from wattmesh_runtime.service import Runtime, Service, run_service
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_twin.adapters.heat_pump_modbus import HeatPumpTwin
from wattmesh_twin.adapters.heat_pump_mqtt import MqttHeatPump
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.climate import DailyClimate
from wattmesh_twin.domain.zone import Mode, PlantSpec, Thermostat, Zone, ZoneSpec, ZoneState


class HeatPumpSettings(ServiceSettings):
    """Settings of a simulated heat pump, `WATTMESH_*`."""

    modbus_address: str = ""
    """host:port on which it listens."""
    mqtt_url: str = ""
    """`mqtt://host:port` of the broker at which it speaks."""
    mqtt_address: str = "heat-pump"
    """The beginning of its topics."""
    mqtt_interval: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))
    """How often it says how it stands."""
    mean_celsius: float = 5.0
    """Mean outdoor temperature."""
    max_power_w: float = Field(default=2500.0, gt=0)
    min_power_w: float = Field(default=500.0, ge=0)
    setpoint_celsius: float = 20.5
    """What people have set: it holds while it is told nothing."""
    cools: bool = False
    """Whether it cools, in place of heating."""

    @model_validator(mode="after")
    def _has_one_protocol(self) -> Self:
        if bool(self.mqtt_url) == bool(self.modbus_address):
            raise ValueError("one of mqtt_url and modbus_address is needed")
        return self


@asynccontextmanager
async def wire(settings: HeatPumpSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Build the zone, and return what is to run."""
    twin = zone_twin(settings, runtime)
    if settings.mqtt_url:
        pump = MqttHeatPump(twin, settings.mqtt_url, settings.mqtt_address, settings.mqtt_interval)
        yield Service(name="heat-pump", register=(), service_names=(), tasks=(pump.run,))
        return
    host, _, port = settings.modbus_address.rpartition(":")
    async with HeatPumpTwin(twin, host, int(port)):
        yield Service(name="heat-pump", register=(), service_names=(), tasks=())


def zone_twin(settings: HeatPumpSettings, runtime: Runtime) -> ZoneTwin:
    """Return the zone that begins at the clock's now, as warm as people want it."""
    plant = PlantSpec(max_power_w=settings.max_power_w, min_power_w=settings.min_power_w)
    zone = Zone(
        spec=ZoneSpec(),
        climate=DailyClimate(mean_celsius=settings.mean_celsius),
        heating=None if settings.cools else plant,
        cooling=plant if settings.cools else None,
    )
    own = Thermostat(
        setpoint_celsius=settings.setpoint_celsius,
        mode=Mode.COOLING if settings.cools else Mode.HEATING,
    )
    warm = settings.setpoint_celsius
    state = ZoneState(
        time=runtime.clock.now(),
        interior_celsius=warm,
        envelope_celsius=warm - 2.0,
        emitter_celsius=warm,
    )
    return ZoneTwin(zone, own, runtime.clock, state)


if __name__ == "__main__":
    run_service(HeatPumpSettings, wire)
