"""One simulated tank of hot water on its real protocol: `python -m wattmesh_twin.hot_water`.

It is a heating element on Modbus TCP at `WATTMESH_MODBUS_ADDRESS`, a tank with a heat pump on MQTT
at `WATTMESH_MQTT_URL`, or one behind the contacts of SG Ready with `WATTMESH_SG_READY`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from wattmesh_kernel.clock import Clock
from wattmesh_runtime.service import Runtime, Service, run_service
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_twin.adapters.heating_element import HeatingElementTwin
from wattmesh_twin.adapters.mqtt_device import MqttDevice
from wattmesh_twin.adapters.tank_mqtt import MqttTank
from wattmesh_twin.adapters.tasmota import TasmotaSgReady
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.domain.climate import DailyClimate
from wattmesh_twin.domain.tank import TankSpec, TankState
from wattmesh_twin.domain.tank_orders import TankOrders

RAISED_K = 5.0
_ELEMENT_STOPS_CELSIUS = 65.0


class HotWaterSettings(ServiceSettings):
    """Settings of a simulated tank, `WATTMESH_*`."""

    modbus_address: str = ""
    """host:port on which it listens: it has a heating element."""
    mqtt_url: str = ""
    """`mqtt://host:port` of the broker at which it speaks: it has a heat pump."""
    mqtt_address: str = "hot-water"
    """The beginning of its topics."""
    mqtt_interval: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))
    """How often it says how it stands."""
    sg_ready: bool = False
    """Whether its heat pump is switched by the two contacts of SG Ready."""
    power_timeout: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))
    """How long a heating element keeps a power that it was told."""
    heater_w: float = Field(default=2000.0, gt=0)
    setpoint_celsius: float = 50.0
    """What people have set: a heat pump keeps it while it is told nothing."""
    draws: float = Field(default=1.0, ge=0)
    """How much is drawn, in what a family draws."""

    @model_validator(mode="after")
    def _has_one_protocol(self) -> Self:
        if bool(self.mqtt_url) == bool(self.modbus_address):
            raise ValueError("one of mqtt_url and modbus_address is needed")
        return self


@asynccontextmanager
async def wire(settings: HotWaterSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Build the tank, and return what is to run."""
    twin = tank_twin(settings, runtime.clock)
    if settings.mqtt_url:
        speaks = _on_mqtt(settings, twin)
        yield Service(name="hot-water", register=(), service_names=(), tasks=(speaks.run,))
        return
    host, _, port = settings.modbus_address.rpartition(":")
    async with HeatingElementTwin(twin, settings.power_timeout, host, int(port)):
        yield Service(name="hot-water", register=(), service_names=(), tasks=())


def _on_mqtt(settings: HotWaterSettings, twin: TankTwin) -> MqttDevice:
    where = (settings.mqtt_url, settings.mqtt_address, settings.mqtt_interval)
    return TasmotaSgReady(twin, RAISED_K, *where) if settings.sg_ready else MqttTank(twin, *where)


def tank_twin(settings: HotWaterSettings, clock: Clock) -> TankTwin:
    """Return the tank that begins at the clock's now, as warm as people want it."""
    element = bool(settings.modbus_address)
    warm = settings.setpoint_celsius
    orders = TankOrders(own_celsius=warm)
    if element:
        orders = TankOrders(own_celsius=_ELEMENT_STOPS_CELSIUS, own_power_w=0.0)
    return TankTwin(
        spec=TankSpec(heater_w=settings.heater_w, cop_ratio=1.0 if element else None),
        orders=orders,
        clock=clock,
        state=TankState(time=clock.now(), celsius=warm),
        climate=DailyClimate(),
        draws=settings.draws,
    )


if __name__ == "__main__":
    run_service(HotWaterSettings, wire)
