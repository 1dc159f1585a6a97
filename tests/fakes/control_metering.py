"""Metering as control sees it: homes with a battery each, and what their meters saw."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc

from tests.fakes.control_model import battery_asset, battery_device, device
from tests.fakes.series_meter import SeriesMeter
from tests.fakes.site_model_service import FakeSiteModelService
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.values import (
    duration_from_proto,
    series_to_proto,
    time_range_from_proto,
)
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    GridConnectionRating,
    MeterRole,
    PvRating,
    Resource,
)

GATEWAY = GatewayId("local")


class ControlMetering(SeriesMeter, FakeSiteModelService, metering_pb2_grpc.MeteringServiceServicer):
    """Homes `home-1`, ... with a battery of ±5 kW, curtailable PV of 4 kW and a meter."""

    def __init__(self, *resources: Resource) -> None:
        super().__init__(*resources)
        self._away = False
        self.net_power_w: dict[str, float] = {}
        self.powers = {}
        self.batches = []
        self.energy_calls = list[metering_pb2.QueryEnergyRequest]()

    def register(self, server: grpc.aio.Server) -> None:
        """Add both services to a server."""
        site_service_pb2_grpc.add_SiteServiceServicer_to_server(self, server)
        metering_pb2_grpc.add_MeteringServiceServicer_to_server(self, server)

    @property
    def away(self) -> bool:
        """Whether it answers nothing."""
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        if away:
            self.hang_up()

    async def WatchSiteModel(  # noqa: N802
        self, request: site_service_pb2.WatchSiteModelRequest, context: Any
    ) -> AsyncIterator[site_service_pb2.WatchSiteModelResponse]:
        self._check()
        async for piece in super().WatchSiteModel(request, context):
            yield piece

    async def QueryEnergy(  # noqa: N802
        self, request: metering_pb2.QueryEnergyRequest, context: Any
    ) -> metering_pb2.QueryEnergyResponse:
        self._check()
        self.energy_calls.append(request)
        return metering_pb2.QueryEnergyResponse(
            energies=[self._energy(asset, request) for asset in request.assets]
        )

    def _energy(
        self, asset: str, request: metering_pb2.QueryEnergyRequest
    ) -> metering_pb2.AssetEnergy:
        span = time_range_from_proto(request.range)
        resolution = duration_from_proto(request.resolution)
        power_w = self.net_power_w.get(asset, float("nan"))
        energy_wh = power_w * resolution.total_seconds() / 3600
        into = energy_wh if not energy_wh < 0 else 0.0
        out = into - energy_wh
        return metering_pb2.AssetEnergy(
            asset=asset,
            import_energy_wh=series_to_proto(Series.filled(span, resolution, into)),
            export_energy_wh=series_to_proto(Series.filled(span, resolution, out)),
        )

    def _check(self) -> None:
        if self._away:
            raise Unavailable("AWAY", "metering is away")


def home(name: str, gateway: GatewayId = GATEWAY) -> list[Resource]:
    """Return the assets and devices of a home; a meter also measures the battery."""
    site = SiteId(name)
    battery, pv, grid = (AssetId(site, each) for each in ("battery", "pv", "grid"))
    rating = PvRating(peak_power_w=4000.0, curtailable=True)
    return [
        battery_asset(site=site),
        Asset(id=pv, rating=rating),
        Asset(id=grid, rating=GridConnectionRating()),
        battery_device(site, gateway),
        device(
            DeviceId(site, "inverter"), DeviceFunction(asset=pv, controls=True), gateway=gateway
        ),
        device(
            DeviceId(site, "meter"),
            DeviceFunction(asset=grid, meter_role=MeterRole.MAIN),
            DeviceFunction(asset=battery, meter_role=MeterRole.MAIN),
            gateway=gateway,
        ),
    ]


def metered_home(
    name: str, gateway: GatewayId = GATEWAY, interval: timedelta = timedelta(minutes=1)
) -> list[Resource]:
    """Return a home whose battery, inverter and grid connection show their power."""
    site = SiteId(name)
    battery, pv, grid = (AssetId(site, each) for each in ("battery", "pv", "grid"))

    def shows(segment: str, asset: AssetId, *, controls: bool) -> Device:
        function = DeviceFunction(asset=asset, meter_role=MeterRole.MAIN, controls=controls)
        found = device(DeviceId(site, segment), function, gateway=gateway)
        points = frozenset({"active_power_w"})
        return replace(found, points=points, reporting_interval=interval)

    return [
        battery_asset(site=site),
        Asset(id=pv, rating=PvRating(peak_power_w=4000.0, curtailable=True)),
        Asset(id=grid, rating=GridConnectionRating()),
        shows("battery", battery, controls=True),
        shows("inverter", pv, controls=True),
        shows("meter", grid, controls=False),
    ]


def homes(count: int) -> ControlMetering:
    """Return metering with so many homes; what it does not fake is not implemented."""
    resources = [each for number in range(count) for each in home(f"home-{number + 1}")]
    return ControlMetering(*resources)
