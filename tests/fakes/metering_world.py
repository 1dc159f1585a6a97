"""Metering itself on a database of a test, and a home to meter."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import grpc

from tests.fakes.manual_clock import ManualClock
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import (
    asset_pb2,
    device_pb2,
    site_pb2,
    site_service_pb2,
    site_service_pb2_grpc,
)
from wattmesh.type.v1 import rating_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import EPOCH, TimeRange
from wattmesh_metering.settings import MeteringSettings
from wattmesh_metering.wiring import wire
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import SETTINGS, serve_for_test

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)

HOME_DEVICES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "meter": ("grid", ("import_energy_wh", "export_energy_wh", "active_power_w")),
    "inverter": ("pv", ("active_power_w", "export_energy_wh")),
    "battery": (
        "battery",
        ("active_power_w", "import_energy_wh", "export_energy_wh", "soc_ratio"),
    ),
}
"""Device → asset, points."""

Sample = tuple[str, datetime, float]
"""Point, measure time, value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteringWorld:
    """One replica of metering and stubs that call it."""

    target: str
    channel: grpc.aio.Channel
    clock: ManualClock
    sites: "site_service_pb2_grpc.SiteServiceAsyncStub"
    metering: "metering_pb2_grpc.MeteringServiceAsyncStub"

    async def send(
        self, *batches: metering_pb2.ReadingBatch, source: str = "gateways/local"
    ) -> list[metering_pb2.IngestResponse]:
        """Send batches on one stream; return the answers."""
        return [answer async for answer in self.metering.Ingest(requests(batches, source))]

    async def add_home(self, name: str = "sites/home-1") -> None:
        """Create a home with grid, derived load, PV and battery."""
        site = site_pb2.Site(name=name, time_zone="America/Los_Angeles", currency_code="USD")
        await self.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site))
        for asset in home_assets(name):
            await self.sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=asset))
        for device in HOME_DEVICES:
            request = site_service_pb2.CreateDeviceRequest(device=home_device(name, device))
            await self.sites.CreateDevice(request)


@contextlib.asynccontextmanager
async def metering_world(
    database_url: str,
    clock: ManualClock | None = None,
    *,
    served: ServiceSettings = SETTINGS,
    **settings: object,
) -> AsyncIterator[MeteringWorld]:
    """Serve metering on a database, with its real wiring; the clock shows noon.

    `served`: who may call.
    """
    told = MeteringSettings(database_url=database_url, **settings)  # type: ignore[arg-type]
    clock = clock or ManualClock(NOON)
    async with (
        Runtime(told, clock, Telemetry("test")) as runtime,
        wire(told, runtime) as service,
        serve_for_test(
            *service.register, service_names=service.service_names, settings=served
        ) as target,
        grpc.aio.insecure_channel(target) as channel,
    ):
        tasks = [asyncio.ensure_future(start()) for start in service.tasks]
        yield MeteringWorld(
            target=target,
            channel=channel,
            clock=clock,
            sites=site_service_pb2_grpc.SiteServiceStub(channel),
            metering=metering_pb2_grpc.MeteringServiceStub(channel),
        )
        await cancel_until_ended(*tasks)


def home_assets(site: str) -> list[asset_pb2.Asset]:
    """The assets of a home."""
    return [
        asset_pb2.Asset(
            name=f"{site}/assets/grid",
            grid_connection=rating_pb2.GridConnectionRating(max_import_power_w=1e4),
        ),
        asset_pb2.Asset(name=f"{site}/assets/load", load=rating_pb2.LoadRating(derived=True)),
        asset_pb2.Asset(
            name=f"{site}/assets/pv",
            pv_array=rating_pb2.PvRating(peak_power_w=4000, curtailable=True),
        ),
        asset_pb2.Asset(
            name=f"{site}/assets/battery",
            battery=rating_pb2.BatteryRating(
                capacity_wh=6400,
                max_charge_power_w=5000,
                max_discharge_power_w=5000,
                charge_efficiency_ratio=0.95,
                discharge_efficiency_ratio=0.95,
            ),
        ),
    ]


def home_device(site: str, device: str, points: Sequence[str] | None = None) -> device_pb2.Device:
    """A device of a home, with other points if they are given: its asset's main meter."""
    asset, own_points = HOME_DEVICES[device]
    function = device_pb2.DeviceFunction(
        asset=f"{site}/assets/{asset}",
        meter_role=device_pb2.METER_ROLE_MAIN,
        controls=asset == "battery",
    )
    measured = own_points if points is None else points
    return some_device(f"{site}/devices/{device}", measured, function)


def some_device(
    name: str, points: Iterable[str], *functions: device_pb2.DeviceFunction
) -> device_pb2.Device:
    """A device with these points that does this."""
    return device_pb2.Device(
        name=name,
        profile="test",
        gateway="gateways/local",
        connection=device_pb2.Connection(
            mqtt=device_pb2.MqttConnection(address=name.rsplit("/", 1)[1])
        ),
        reporting_interval=duration_to_proto(QUARTER),
        points=[device_pb2.Point(name=f"{name}/points/{point}") for point in points],
        functions=functions,
    )


def point(device: str, quantity: str, site: str = "sites/home-1") -> str:
    """The name of a home's point."""
    return f"{site}/devices/{device}/points/{quantity}"


def batch(sequence: int, samples: Iterable[Sample], **columns: object) -> metering_pb2.ReadingBatch:
    """A batch of these samples, in their order; `columns` replace or add columns."""
    rows = list(samples)
    names = list(dict.fromkeys(name for name, _, _ in rows))
    filled = {
        "points": names,
        "point_indices": [names.index(name) for name, _, _ in rows],
        "measure_times_us": [(time - EPOCH) // timedelta(microseconds=1) for _, time, _ in rows],
        "values": [value for _, _, value in rows],
    }
    return metering_pb2.ReadingBatch(sequence=sequence, **(filled | columns))  # type: ignore[arg-type]


def samples(name: str, start: datetime, step: timedelta, values: Iterable[float]) -> list[Sample]:
    """Consecutive samples of a point."""
    return [(name, start + place * step, value) for place, value in enumerate(values)]


async def requests(
    batches: Iterable[metering_pb2.ReadingBatch], source: str
) -> AsyncIterator[metering_pb2.IngestRequest]:
    """The messages of a stream."""
    yield metering_pb2.IngestRequest(hello=metering_pb2.IngestHello(source=source))
    for each in batches:
        yield metering_pb2.IngestRequest(batch=each)


def energy_request(
    *assets: str, span: TimeRange, resolution: timedelta = HOUR
) -> metering_pb2.QueryEnergyRequest:
    """A query of energies."""
    return metering_pb2.QueryEnergyRequest(
        assets=assets, range=time_range_to_proto(span), resolution=duration_to_proto(resolution)
    )
