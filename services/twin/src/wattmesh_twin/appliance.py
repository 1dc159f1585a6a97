"""One simulated appliance on MQTT, by itself: `python -m wattmesh_twin.appliance`.

It waits for its permission to start, or, with `WATTMESH_PLUG`, it is behind a plug that is
switched. Somebody loads it every day at `WATTMESH_LOADED_HOUR`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pydantic import Field

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.time import floor_time
from wattmesh_runtime.service import Runtime, Service, run_service
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_twin.adapters.appliance_mqtt import MqttAppliance
from wattmesh_twin.adapters.tasmota import TasmotaPlug
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.domain.appliance import Programme

_DAY = timedelta(days=1)


class ApplianceSettings(ServiceSettings):
    """Settings of a simulated appliance, `WATTMESH_*`."""

    mqtt_url: str
    """`mqtt://host:port` of the broker at which it speaks."""
    mqtt_address: str = "appliance"
    """The beginning of its topics, or the topic of its plug."""
    mqtt_interval: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))
    """How often it says how it stands."""
    plug: bool = False
    """Whether it is behind a plug with Tasmota: it can pause, and runs while it is left alone."""
    loaded_hour: int = Field(default=7, ge=0, le=23)
    """At which hour of the day somebody loads it, UTC."""
    powers_w: tuple[float, ...] = (2000.0, 200.0, 200.0, 600.0)
    """Its programme: the power of each quarter of an hour [W]."""


@asynccontextmanager
async def wire(settings: ApplianceSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Build the appliance, and return what is to run."""
    twin = ApplianceTwin(runtime.clock, own=settings.plug)
    where = (settings.mqtt_url, settings.mqtt_address, settings.mqtt_interval)
    speaks = TasmotaPlug(twin, *where) if settings.plug else MqttAppliance(twin, *where)
    minutes = tuple(power_w for power_w in settings.powers_w for _ in range(15))
    programme = Programme(powers_w=minutes, pauses=settings.plug)

    async def load() -> None:
        await load_daily(twin, programme, timedelta(hours=settings.loaded_hour), runtime.clock)

    yield Service(name="appliance", register=(), service_names=(), tasks=(speaks.run, load))


async def load_daily(
    twin: ApplianceTwin, programme: Programme, at: timedelta, clock: Clock
) -> None:
    """Have somebody load it at a time of every day, for ever."""
    while True:
        today = floor_time(clock.now(), _DAY) + at
        await clock.sleep_until(today if today > clock.now() else today + _DAY)
        twin.load(programme)


if __name__ == "__main__":
    run_service(ApplianceSettings, wire)
