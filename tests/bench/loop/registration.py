"""Makes the homes known: tariff, sites, assets, and devices with what they measure and control."""

import asyncio
from collections.abc import Iterator, Sequence

import grpc

from tests.bench.loop.homes import (
    BATTERY,
    BATTERY_CAPACITY_WH,
    BATTERY_LIMIT_W,
    INVERTER,
    METER,
    POINTS,
    PV_PEAK_W,
    Home,
)
from wattmesh.site.v1 import (
    asset_pb2,
    device_pb2,
    site_pb2,
    site_service_pb2,
    site_service_pb2_grpc,
)
from wattmesh.type.v1 import rating_pb2
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import ClockRange, EnergyRates, Tariff, TouPeriod, Window

TARIFF = Tariff(
    id=TariffId("bench"),
    currency_code="EUR",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(
                name="evening",
                price_per_kwh=0.54,
                window=Window(clock_ranges=(ClockRange.hours(16, 21),)),
            ),
            TouPeriod(name="other hours", price_per_kwh=0.22),
        ),
    ),
    export_rates=EnergyRates(base_per_kwh=0.05),
)
_AT_ONCE = 16


async def register_homes(channel: grpc.aio.Channel, homes: Sequence[Home]) -> None:
    """Make tariff and homes known to metering."""
    stub = site_service_pb2_grpc.SiteServiceStub(channel)
    tariff = site_service_pb2.UpdateTariffRequest(
        tariff=tariff_to_proto(TARIFF), allow_missing=True
    )
    await stub.UpdateTariff(tariff, wait_for_ready=True)
    gate = asyncio.Semaphore(_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for home in homes:
            group.create_task(_register(stub, home, gate))


async def _register(
    stub: "site_service_pb2_grpc.SiteServiceAsyncStub", home: Home, gate: asyncio.Semaphore
) -> None:
    async with gate:
        await stub.UpdateSite(
            site_service_pb2.UpdateSiteRequest(site=_site(home), allow_missing=True)
        )
        for asset in _assets(home):
            await stub.UpdateAsset(
                site_service_pb2.UpdateAssetRequest(asset=asset, allow_missing=True)
            )
        for device in _devices(home):
            await stub.UpdateDevice(
                site_service_pb2.UpdateDeviceRequest(device=device, allow_missing=True)
            )


def _site(home: Home) -> site_pb2.Site:
    return site_pb2.Site(
        name=home.site,
        time_zone="Europe/Berlin",
        latitude_degrees=52.5,
        longitude_degrees=13.4,
        tariff=TARIFF.id.name,
        currency_code="EUR",
    )


def _assets(home: Home) -> Iterator[asset_pb2.Asset]:
    prefix = f"{home.site}/assets"
    grid = rating_pb2.GridConnectionRating()
    yield asset_pb2.Asset(name=f"{prefix}/grid", grid_connection=grid)
    yield asset_pb2.Asset(name=f"{prefix}/load", load=rating_pb2.LoadRating(derived=True))
    pv = rating_pb2.PvRating(peak_power_w=PV_PEAK_W * home.scale)
    yield asset_pb2.Asset(name=f"{prefix}/pv", pv_array=pv)
    battery = rating_pb2.BatteryRating(
        capacity_wh=BATTERY_CAPACITY_WH,
        max_charge_power_w=BATTERY_LIMIT_W,
        max_discharge_power_w=BATTERY_LIMIT_W,
        charge_efficiency_ratio=0.95,
        discharge_efficiency_ratio=0.95,
        min_soc_ratio=0.1,
    )
    yield asset_pb2.Asset(name=f"{prefix}/battery", battery=battery)


def _devices(home: Home) -> Iterator[device_pb2.Device]:
    for device, asset in ((METER, "grid"), (INVERTER, "pv"), (BATTERY, "battery")):
        address = device_pb2.MqttConnection(address=f"{home.number}/{device}")
        proto = device_pb2.Device(
            name=f"{home.site}/devices/{device}",
            profile="bench",
            gateway=home.gateway,
            connection=device_pb2.Connection(mqtt=address),
            points=[
                device_pb2.Point(name=home.point(device, quantity))
                for owner, quantity in POINTS
                if owner == device
            ],
        )
        proto.reporting_interval.seconds = 900
        proto.functions.add(
            asset=f"{home.site}/assets/{asset}",
            meter_role=device_pb2.METER_ROLE_MAIN,
            controls=device == BATTERY,
        )
        yield proto
