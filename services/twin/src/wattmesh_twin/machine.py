"""One simulated machine on Modbus TCP, unit 1: `python -m wattmesh_twin.machine`.

A generator set with `WATTMESH_MACHINE=generator`, a wind turbine with `wind`, with `switch` the
grid at a site's door and the switch that separates the site from it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal

from pydantic import Field

from wattmesh_kernel.clock import Clock
from wattmesh_runtime.service import Runtime, Service, run_service
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_twin.adapters.data.microgrids import wind_rating
from wattmesh_twin.adapters.grid_switch import GridSwitchTwin
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.adapters.sunspec.device import SunSpecDevice
from wattmesh_twin.adapters.sunspec.generator import SunSpecGenerator
from wattmesh_twin.adapters.sunspec.wind import SunSpecWind
from wattmesh_twin.app.run_machine import GeneratorTwin, WindTwin
from wattmesh_twin.domain.generator import GeneratorSpec
from wattmesh_twin.domain.wind import DrawnWind, WindSite


class MachineSettings(ServiceSettings):
    """Settings of a simulated machine, `WATTMESH_*`."""

    machine: Literal["generator", "wind", "switch"]
    """What it is."""
    modbus_address: str
    """host:port on which it listens."""
    rated_w: float = Field(default=10_000.0, gt=0)
    """What it gives out at most [W]."""
    least_ratio: float = Field(default=0.3, ge=0, le=1)
    """The least load of a generator, of what it is rated for."""
    min_run: timedelta = Field(default=timedelta(minutes=15), ge=timedelta(0))
    """How long a generator runs at least once it was started."""
    fuel_l: float = Field(default=100.0, ge=0)
    """What is in a generator's tank at the start [l]."""
    mean_wind_m_per_s: float = Field(default=6.0, gt=0)
    """How strongly it blows on average, 10 m above the ground [m/s]."""
    hub_height_m: float = Field(default=24.0, gt=0)
    """Of a wind turbine [m]."""
    seed: int = 1
    """Another one is another wind."""


@asynccontextmanager
async def wire(settings: MachineSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Build the machine, and return what is to run."""
    host, _, port = settings.modbus_address.rpartition(":")
    if settings.machine == "switch":
        async with GridSwitchTwin(runtime.clock, host, int(port)):
            yield Service(name="machine", register=(), service_names=(), tasks=())
        return
    async with ModbusSite([device_of(settings, runtime.clock)], host, int(port)):
        yield Service(name="machine", register=(), service_names=(), tasks=())


def device_of(settings: MachineSettings, clock: Clock) -> SunSpecDevice:
    """Return the machine as it is seen on Modbus."""
    if settings.machine == "wind":
        wind = DrawnWind(mean_m_per_s=settings.mean_wind_m_per_s, seed=settings.seed)
        rating = wind_rating(settings.rated_w, settings.hub_height_m)
        return SunSpecWind(WindTwin(rating, WindSite(), wind, clock), "wind")
    spec = GeneratorSpec(
        rated_w=settings.rated_w,
        least_w=settings.least_ratio * settings.rated_w,
        min_run_duration=settings.min_run,
        fuel_l=settings.fuel_l,
    )
    return SunSpecGenerator(GeneratorTwin(spec, clock), "generator")


if __name__ == "__main__":
    run_service(MachineSettings, wire)
