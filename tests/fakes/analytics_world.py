"""Analytics as it runs, on metering and carbon as they run, with a home whose day is known."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import NDArray

from tests.fakes.manual_clock import ManualClock
from tests.fakes.metering_world import MeteringWorld, batch, metering_world, point, samples
from wattmesh.analytics.v1 import analytics_service_pb2_grpc
from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh.site.v1 import site_pb2, site_service_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_analytics.settings import AnalyticsSettings
from wattmesh_analytics.wiring import wire
from wattmesh_carbon.settings import CarbonSettings
from wattmesh_carbon.wiring import wire as wire_carbon
from wattmesh_contracts.values import series_to_proto
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_optimizer.wiring import wire as wire_optimizer
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import channel_for_test, serve_for_test

START = datetime(2024, 6, 1, 7, tzinfo=UTC)
"""Midnight in Los Angeles, where the home is."""
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
DAY = 96
HOME = "sites/home-1"

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HomeDays:
    """What goes into each asset per quarter of an hour [kWh], positive in, shape (n,)."""

    sun: Floats
    battery: Floats
    load: Floats

    @property
    def grid(self) -> Floats:
        """The exchange with the grid."""
        return self.load + self.sun + self.battery

    @classmethod
    def of(cls, seed: int, days: int) -> "HomeDays":
        """Days of sun at noon, a battery that follows nobody, and an uneven load."""
        rng, count = np.random.default_rng(seed), days * DAY
        noon = np.maximum(np.sin((np.arange(count) % DAY - 24) / 48 * np.pi), 0)
        return cls(
            sun=-0.9 * noon * rng.uniform(0.3, 1, count),
            battery=rng.uniform(-0.5, 0.5, count).round(3),
            load=rng.uniform(0.05, 0.8, count),
        )


@dataclass(frozen=True, kw_only=True)
class AnalyticsWorld:
    """Stubs of everything that runs."""

    metering: MeteringWorld
    carbon_target: str
    optimizer_target: str
    channel: grpc.aio.Channel
    carbon: "carbon_pb2_grpc.CarbonServiceAsyncStub"
    analytics: "analytics_service_pb2_grpc.AnalyticsServiceAsyncStub"

    async def add_home(
        self, tariff: tariff_pb2.Tariff, days: HomeDays, without: TimeRange | None = None
    ) -> None:
        """Create the home, and send all that its meters show, but of the grid's within a time."""
        await self.metering.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=tariff))
        await self.metering.add_home()
        await self.metering.sites.UpdateSite(
            site_service_pb2.UpdateSiteRequest(
                site=site_pb2.Site(name=HOME, tariff=tariff.name, carbon_zone="zones/de")
            )
        )
        for sequence, (device, energy) in enumerate(
            (("meter", days.grid), ("inverter", days.sun), ("battery", days.battery)), 1
        ):
            rows = _registers(device, energy)
            if without is not None and device == "meter":
                rows = [row for row in rows if not without.start < row[1] < without.end]
            await self.metering.send(batch(sequence, rows))

    async def publish(self, intensity: Floats) -> None:
        """Publish the grid's intensity, hour by hour."""
        told = carbon_pb2.AverageIntensity(
            zone="zones/de",
            average_gco2e_per_kwh=series_to_proto(Series(START, HOUR, intensity)),
            source="a test",
        )
        await self.carbon.PublishAverageIntensity(
            carbon_pb2.PublishAverageIntensityRequest(intensity=told)
        )


def _registers(device: str, energy_kwh: Floats) -> list[tuple[str, datetime, float]]:
    into = np.concatenate(([0.0], np.cumsum(np.maximum(energy_kwh, 0) * 1000)))
    out = np.concatenate(([0.0], np.cumsum(np.maximum(-energy_kwh, 0) * 1000)))
    kept: Mapping[str, Floats] = {"import_energy_wh": into, "export_energy_wh": out}
    names = ("export_energy_wh",) if device == "inverter" else tuple(kept)
    return [
        sample
        for name in names
        for sample in samples(point(device, name), START, QUARTER, kept[name])
    ]


@contextlib.asynccontextmanager
async def analytics_world(
    database_url: str,
    now: datetime,
    *,
    solving: bool = False,
    settle_hours: float = 0.0,
    reports_file: Path | None = None,
) -> AsyncIterator[AnalyticsWorld]:
    """Serve metering, carbon and analytics, with an optimizer if asked; the clock shows `now`.

    Days are settled when a test says so, unless `settle_hours` says how often.
    """
    clock = ManualClock(now)
    async with (
        metering_world(database_url, clock) as metering,
        _served(CarbonSettings(database_url=database_url), clock, wire_carbon) as carbon,
    ):
        optimizer = contextlib.nullcontext("127.0.0.1:1")
        told = OptimizerSettings(solve_processes=1, solve_long_processes=1)
        async with (
            _served(told, clock, wire_optimizer) if solving else optimizer as solver,
            _served(
                AnalyticsSettings(
                    database_url=database_url,
                    metering_target=metering.target,
                    carbon_target=carbon,
                    optimizer_target=solver,
                    settle_hours=settle_hours,
                    reports_file=reports_file,
                ),
                clock,
                wire,
            ) as target,
            channel_for_test(target) as channel,
            channel_for_test(carbon) as to_carbon,
        ):
            yield AnalyticsWorld(
                metering=metering,
                carbon_target=carbon,
                optimizer_target=solver,
                channel=channel,
                carbon=carbon_pb2_grpc.CarbonServiceStub(to_carbon),
                analytics=analytics_service_pb2_grpc.AnalyticsServiceStub(channel),
            )


@contextlib.asynccontextmanager
async def _served(settings: object, clock: ManualClock, wiring: object) -> AsyncIterator[str]:
    async with (
        Runtime(settings, clock, Telemetry("test")) as runtime,  # type: ignore[arg-type]
        wiring(settings, runtime) as service,  # type: ignore[operator]
        serve_for_test(*service.register) as target,
    ):
        tasks = [asyncio.ensure_future(start()) for start in service.tasks]
        yield target
        await cancel_until_ended(*tasks)
