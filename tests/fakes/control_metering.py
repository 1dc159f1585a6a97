"""Metering as control sees it: homes with a battery each, and what their meters saw."""

from typing import Any

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import asset_pb2, site_pb2, site_pb2_grpc
from wattmesh_contracts.values import (
    duration_from_proto,
    series_to_proto,
    time_range_from_proto,
)
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.series import Series

GATEWAY = "gateways/local"


class ControlMetering(site_pb2_grpc.SiteServiceServicer, metering_pb2_grpc.MeteringServiceServicer):
    """Homes `home-1`, ... with a battery of ±5 kW, curtailable PV of 4 kW and a meter."""

    def __init__(self, homes: int = 1) -> None:
        self.away = False
        self.charge_limit_w = 5000.0
        self.net_power_w: dict[str, float] = {}
        self.energy_calls = list[metering_pb2.QueryEnergyRequest]()
        self._homes = [f"home-{number}" for number in range(1, homes + 1)]

    def register(self, server: grpc.aio.Server) -> None:
        """Add both services to a server."""
        site_pb2_grpc.add_SiteServiceServicer_to_server(self, server)
        metering_pb2_grpc.add_MeteringServiceServicer_to_server(self, server)

    async def ListAssets(  # noqa: N802
        self, request: site_pb2.ListAssetsRequest, context: Any
    ) -> site_pb2.ListAssetsResponse:
        self._check()
        assets = [asset for home in self._homes for asset in self._assets(home)]
        return site_pb2.ListAssetsResponse(assets=assets)

    async def ListDevices(  # noqa: N802
        self, request: site_pb2.ListDevicesRequest, context: Any
    ) -> site_pb2.ListDevicesResponse:
        self._check()
        devices = [device for home in self._homes for device in _devices(home)]
        return site_pb2.ListDevicesResponse(devices=devices)

    async def QueryEnergy(  # noqa: N802
        self, request: metering_pb2.QueryEnergyRequest, context: Any
    ) -> metering_pb2.QueryEnergyResponse:
        self._check()
        self.energy_calls.append(request)
        return metering_pb2.QueryEnergyResponse(
            energies=[self._energy(asset, request) for asset in request.assets]
        )

    def _assets(self, home: str) -> list[asset_pb2.Asset]:
        battery = asset_pb2.Battery(
            capacity_wh=10_000, charge_limit_w=self.charge_limit_w, discharge_limit_w=5000
        )
        return [
            asset_pb2.Asset(name=f"sites/{home}/assets/battery", battery=battery),
            asset_pb2.Asset(
                name=f"sites/{home}/assets/pv",
                pv_array=asset_pb2.PvArray(peak_power_w=4000, curtailable=True),
            ),
            asset_pb2.Asset(
                name=f"sites/{home}/assets/grid", grid_connection=asset_pb2.GridConnection()
            ),
        ]

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
        if self.away:
            raise Unavailable("AWAY", "metering is away")


def _devices(home: str) -> list[site_pb2.Device]:
    names = (("battery", "battery"), ("inverter", "pv"), ("meter", "grid"))
    return [
        site_pb2.Device(
            name=f"sites/{home}/devices/{device}",
            asset=f"sites/{home}/assets/{asset}",
            gateway=GATEWAY,
        )
        for device, asset in names
    ]


def homes(count: int) -> ControlMetering:
    """Return metering with so many homes; what it does not fake is not implemented."""
    return ControlMetering(count)  # type: ignore[abstract]
