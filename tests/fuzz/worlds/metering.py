"""Metering with a home of every turn, a group, a tariff with prices, and a day of readings."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import grpc

from tests.fakes.metering_world import (
    HOME_DEVICES,
    NOON,
    batch,
    energy_request,
    home_assets,
    home_device,
    point,
    requests,
    samples,
)
from tests.fuzz.contents import Seed, Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.metering.v1 import metering_pb2 as readings
from wattmesh.metering.v1 import metering_pb2_grpc
from wattmesh.site.v1 import site_pb2, site_service_pb2_grpc
from wattmesh.site.v1 import site_service_pb2 as pb
from wattmesh.type.v1 import quality_pb2, tariff_pb2
from wattmesh_contracts.values import duration_to_proto, series_to_proto, time_range_to_proto
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.settings import MeteringSettings
from wattmesh_metering.wiring import wire
from wattmesh_runtime.service import Runtime, Service

_SITES, _METERING = "wattmesh.site.v1.SiteService", "wattmesh.metering.v1.MeteringService"
_QUARTER = timedelta(minutes=15)
_DAY = TimeRange.of(NOON - 24 * HOUR, 24 * HOUR)


class MeteringWorld(World):
    """Nothing but a database; every turn has resources of its own, for calls delete them."""

    name: ClassVar[str] = "metering"
    services: ClassVar[tuple[str, ...]] = (_SITES, _METERING)

    def __init__(self, database_url: str) -> None:
        self._settings = {"database_url": database_url, "clock": clock_from(NOON)}

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[MeteringSettings]:
        return MeteringSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Have a home with readings, a group and a tariff."""
        sites = site_service_pb2_grpc.SiteServiceStub(channel)
        home = _Home(turn)
        await sites.CreateTariff(pb.CreateTariffRequest(tariff=home.tariff), wait_for_ready=True)
        await sites.CreateSite(pb.CreateSiteRequest(site=home.site))
        for asset in home_assets(home.name):
            await sites.CreateAsset(pb.CreateAssetRequest(asset=asset))
        for device in HOME_DEVICES:
            await sites.CreateDevice(pb.CreateDeviceRequest(device=home_device(home.name, device)))
        await sites.CreateSiteGroup(pb.CreateSiteGroupRequest(site_group=home.group))
        await sites.PublishPrices(home.prices)
        ingest: Any = metering_pb2_grpc.MeteringServiceStub(channel).Ingest
        async for _ in ingest(_stream(await home.readings())):
            pass

    def seeds(self, turn: int) -> Seeds:
        home = _Home(turn)
        return {
            **unary_seeds(_SITES, home.site_calls()),
            **unary_seeds(_METERING, home.metering_calls()),
            f"/{_METERING}/Ingest": [home.ingest()],
        }

    def words(self, turn: int) -> Sequence[str]:
        home = _Home(turn)
        assets = [asset.name for asset in home_assets(home.name)]
        points = [point("meter", each, home.name) for each in HOME_DEVICES["meter"][1]]
        return (home.name, home.tariff.name, home.group.name, *assets, *points, "gateways/local")


class _Home:
    """What belongs to a turn."""

    def __init__(self, turn: int) -> None:
        self.turn = turn
        self.name = f"sites/home-{turn}"
        self.site = site_pb2.Site(
            name=self.name,
            time_zone="America/Los_Angeles",
            currency_code="USD",
            tariff=f"tariffs/day-ahead-{turn}",
        )
        self.group = site_pb2.SiteGroup(name=f"groups/street-{turn}", sites=[self.name])
        self.tariff = tariff_pb2.Tariff(
            name=f"tariffs/day-ahead-{turn}",
            currency_code="USD",
            import_rates=tariff_pb2.EnergyRates(
                base_per_kwh=0.1, real_time=tariff_pb2.RealTimePrice(multiplier=1.2)
            ),
        )
        self.prices = pb.PublishPricesRequest(
            tariff=self.tariff.name,
            import_price_per_kwh=series_to_proto(Series.filled(_DAY, HOUR, 0.2)),
        )

    def site_calls(self) -> dict[str, Sequence[Any]]:
        name, spare = self.name, f"-spare-{self.turn}"
        asset, device = home_assets(name)[1], home_device(name, "meter")
        span = time_range_to_proto(_DAY)
        new_asset = home_assets(name)[2]
        new_asset.name += spare
        new_device = home_device(name, "meter", ("active_power_w",))
        new_device.name += spare
        new_device.points[0].name = f"{new_device.name}/points/active_power_w"
        new_device.ClearField("functions")
        new_site = site_pb2.Site(name=name + spare, time_zone="UTC", currency_code="EUR")
        new_group = site_pb2.SiteGroup(name=self.group.name + spare, sites=[name])
        new_tariff = tariff_pb2.Tariff(name=self.tariff.name + spare, currency_code="EUR")
        return {
            "CreateSite": [pb.CreateSiteRequest(site=new_site, request_id=f"s{spare}")],
            "GetSite": [pb.GetSiteRequest(name=name)],
            "ListSites": [pb.ListSitesRequest(page_size=1)],
            "UpdateSite": [pb.UpdateSiteRequest(site=self.site, allow_missing=True)],
            "DeleteSite": [pb.DeleteSiteRequest(name=new_site.name)],
            "CreateAsset": [pb.CreateAssetRequest(asset=new_asset, request_id=f"a{spare}")],
            "GetAsset": [pb.GetAssetRequest(name=asset.name)],
            "ListAssets": [pb.ListAssetsRequest(parent=name, page_size=1)],
            "UpdateAsset": [
                pb.UpdateAssetRequest(asset=each, allow_missing=True) for each in home_assets(name)
            ],
            "DeleteAsset": [pb.DeleteAssetRequest(name=new_asset.name, allow_missing=True)],
            "CreateDevice": [pb.CreateDeviceRequest(device=new_device, request_id=f"d{spare}")],
            "GetDevice": [pb.GetDeviceRequest(name=device.name)],
            "ListDevices": [pb.ListDevicesRequest(parent=name, page_size=1)],
            "UpdateDevice": [
                pb.UpdateDeviceRequest(device=home_device(name, each), allow_missing=True)
                for each in HOME_DEVICES
            ],
            "DeleteDevice": [pb.DeleteDeviceRequest(name=new_device.name)],
            "CreateSiteGroup": [pb.CreateSiteGroupRequest(site_group=new_group, request_id="g")],
            "GetSiteGroup": [pb.GetSiteGroupRequest(name=self.group.name)],
            "ListSiteGroups": [pb.ListSiteGroupsRequest(page_size=1)],
            "UpdateSiteGroup": [pb.UpdateSiteGroupRequest(site_group=self.group)],
            "DeleteSiteGroup": [pb.DeleteSiteGroupRequest(name=new_group.name, allow_missing=True)],
            "CreateTariff": [pb.CreateTariffRequest(tariff=new_tariff, request_id=f"t{spare}")],
            "GetTariff": [pb.GetTariffRequest(name=self.tariff.name, price_range=span)],
            "ListTariffs": [pb.ListTariffsRequest(page_size=1)],
            "UpdateTariff": [pb.UpdateTariffRequest(tariff=self.tariff, allow_missing=True)],
            "DeleteTariff": [pb.DeleteTariffRequest(name=new_tariff.name)],
            "PublishPrices": [self.prices],
            "WatchSiteModel": [pb.WatchSiteModelRequest()],
        }

    def metering_calls(self) -> dict[str, Sequence[Any]]:
        span, hour = time_range_to_proto(_DAY), duration_to_proto(HOUR)
        points = [point("meter", each, self.name) for each in HOME_DEVICES["meter"][1]]
        assets = [asset.name for asset in home_assets(self.name)]
        series = [
            readings.QuerySeriesRequest(
                point=each, range=span, resolution=hour, aggregation=aggregation
            )
            for each, aggregation in (
                (points[0], readings.AGGREGATION_INCREASE),
                (points[2], readings.AGGREGATION_MEAN),
            )
        ]
        return {
            "QuerySeries": series,
            "BatchQuerySeries": [readings.BatchQuerySeriesRequest(requests=series)],
            "QueryEnergy": [
                energy_request(*assets, span=_DAY),
                energy_request(assets[0], span=_DAY, resolution=_QUARTER),
            ],
            "StreamEnergy": [
                readings.StreamEnergyRequest(query=energy_request(*assets, span=_DAY))
            ],
            "ListReadingFlags": [readings.ListReadingFlagsRequest(parent=points[0], range=span)],
            "CorrectReadings": [
                readings.CorrectReadingsRequest(
                    point=points[0],
                    measure_times=[span.start_time],
                    values=[9_000.0],
                    quality=quality_pb2.QUALITY_ESTIMATED,
                    reason="read off the display",
                )
            ],
            "DeclareExchange": [
                readings.DeclareExchangeRequest(
                    point=points[0],
                    exchange_time=span.start_time,
                    final_value=9_100.0,
                    reason="works order",
                )
            ],
            "ReplayValidation": [readings.ReplayValidationRequest(points=points[:1], range=span)],
            "GetLatestReadings": [readings.GetLatestReadingsRequest(points=points)],
            "WatchReadings": [readings.WatchReadingsRequest(points=points[:1])],
            "GetIngestStatistics": [
                readings.GetIngestStatisticsRequest(source="gateways/local", range=span)
            ],
            "ListQuantities": [readings.ListQuantitiesRequest(page_size=1)],
        }

    def ingest(self) -> Seed:
        name = point("meter", "import_energy_wh", self.name)
        values = [9_000.0 + 10 * place for place in range(20)]
        rows = samples(name, NOON - HOUR, timedelta(minutes=1), values)
        return (
            readings.IngestRequest(hello=readings.IngestHello(source="gateways/local")),
            readings.IngestRequest(batch=batch(1, rows)),
            readings.IngestRequest(batch=batch(2, rows, qualities=[1] * len(rows))),
        )

    async def readings(self) -> list[readings.IngestRequest]:
        """Return a day of the meter's readings."""
        counts = [100.0 * place for place in range(96)]
        rows = [
            row
            for quantity in HOME_DEVICES["meter"][1]
            for row in samples(point("meter", quantity, self.name), _DAY.start, _QUARTER, counts)
        ]
        return [each async for each in requests([batch(1, rows)], "gateways/local")]


async def _stream(
    messages: Sequence[readings.IngestRequest],
) -> AsyncIterator[readings.IngestRequest]:
    for each in messages:
        yield each


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[MeteringWorld]:
    """Give metering's surroundings."""
    yield MeteringWorld(database_url)
