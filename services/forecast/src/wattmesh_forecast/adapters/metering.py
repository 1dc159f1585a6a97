"""Metered power and the site model, from metering."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import asset_pb2, site_pb2, site_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.sites import Location, Site
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import together
from wattmesh_runtime.errors import rpc_errors

MOST_VALUES = 100_000
"""About how many values are asked for at once."""
SITE_KEPT = timedelta(hours=12)
"""How long a site's description is believed."""
_KINDS = {"load": Kind.LOAD, "pv_array": Kind.PV}


class GrpcHistory:
    """Reads energies and turns them into mean power."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        """Return mean power per interval [W], positive into the asset, NaN where not metered."""
        found: dict[AssetId, Series] = {}
        for part in _parts(assets, span.count(resolution)):
            with rpc_errors():
                answer = await self._stub.QueryEnergy(
                    metering_pb2.QueryEnergyRequest(
                        assets=[asset.name for asset in part],
                        range=time_range_to_proto(span),
                        resolution=duration_to_proto(resolution),
                    )
                )
            found |= {AssetId.parse(item.asset): _power_w(item) for item in answer.energies}
        return found


class GrpcSiteDirectory:
    """Reads sites and their assets, and believes them for a while."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._stub = site_pb2_grpc.SiteServiceStub(channel)
        self._clock = clock
        self._kept: dict[SiteId, tuple[Site, TimeRange]] = {}

    async def site(self, site: SiteId) -> Site:
        """Return a site; NotFound."""
        now = self._clock.now()
        if site in self._kept and self._kept[site][1].contains(now):
            return self._kept[site][0]
        with rpc_errors():
            answer, assets = await together(
                self._stub.GetSite(site_pb2.GetSiteRequest(name=site.name)), self._assets(site)
            )
        described = _site_from_proto(site, answer.site, assets)
        self._kept[site] = described, TimeRange.of(now, SITE_KEPT)
        return described

    async def sites(self) -> Sequence[SiteId]:
        """Return all sites."""
        found: list[SiteId] = []
        request = site_pb2.ListSitesRequest()
        while True:
            with rpc_errors():
                page = await self._stub.ListSites(request)
            found += [SiteId.parse(site.name) for site in page.sites]
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def _assets(self, site: SiteId) -> list[asset_pb2.Asset]:
        found: list[asset_pb2.Asset] = []
        request = site_pb2.ListAssetsRequest(parent=site.name)
        while True:
            page = await self._stub.ListAssets(request)
            found += page.assets
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


def _parts(assets: Sequence[AssetId], intervals: int) -> list[Sequence[AssetId]]:
    size = max(1, MOST_VALUES // max(1, 2 * intervals))
    return [assets[first : first + size] for first in range(0, len(assets), size)]


def _power_w(energy: metering_pb2.AssetEnergy) -> Series:
    into = series_from_proto(energy.import_energy_wh, "import_energy_wh")
    out = series_from_proto(energy.export_energy_wh, "export_energy_wh")
    return into.with_values((into.values - out.values) / (into.resolution / HOUR))


def _site_from_proto(site: SiteId, proto: site_pb2.Site, assets: Sequence[asset_pb2.Asset]) -> Site:
    placed = proto.HasField("latitude_degrees") and proto.HasField("longitude_degrees")
    location = (
        Location(latitude_degrees=proto.latitude_degrees, longitude_degrees=proto.longitude_degrees)
        if placed
        else None
    )
    return Site(
        id=site,
        zone=_zone(proto),
        location=location,
        assets={
            AssetId.parse(asset.name): _KINDS.get(asset.WhichOneof("kind") or "")
            for asset in assets
        },
    )


def _zone(site: site_pb2.Site) -> ZoneInfo:
    try:
        return ZoneInfo(site.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise FailedPrecondition(
            "UNKNOWN_TIME_ZONE", f"{site.name}: no time zone {site.time_zone!r}"
        ) from error
