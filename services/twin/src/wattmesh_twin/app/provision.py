"""Make the sites known to metering, and give it the readings from before the start."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_kernel.ids import GatewayId, SiteId
from wattmesh_kernel.sites import Site, SiteGroup
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_twin.app.ports import ProvisionMark, ReadingStore, SiteDirectory
from wattmesh_twin.domain.dataset import DataSet
from wattmesh_twin.domain.history import PastReadings, SiteHistory
from wattmesh_twin.domain.site import SiteSpec
from wattmesh_twin.domain.site_assets import assets_of, microgrid_of
from wattmesh_twin.domain.tariff import flat_tariff, published_tariff
from wattmesh_twin.domain.topology import Reach, devices_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """Who talks to the devices, where those of each site listen, and how often they report."""

    gateway: GatewayId
    host: str
    ports: Mapping[SiteId, int]
    reporting_interval: timedelta

    def reach(self, site: SiteId) -> Reach:
        """Return how the devices of a site are reached."""
        return Reach(
            gateway=self.gateway,
            host=self.host,
            port=self.ports[site],
            reporting_interval=self.reporting_interval,
        )


class Provisioning:
    """Says everything again at every start; saying the same again changes nothing.

    The history is sent once: `mark` keeps that it arrived.
    """

    def __init__(
        self,
        *,
        dataset: DataSet,
        endpoints: Endpoints,
        directory: SiteDirectory,
        readings: ReadingStore,
        histories: Callable[[], Sequence[SiteHistory | PastReadings]],
        mark: ProvisionMark,
    ) -> None:
        self._dataset = dataset
        self._endpoints = endpoints
        self._directory = directory
        self._readings = readings
        self._histories = histories
        self._mark = mark
        self._metering = LossLog(_log, "metering")

    async def describe(self) -> None:
        """Return when metering knows tariff, sites, assets, devices and group."""
        await retry(self._describe, self._metering)
        _log.info("metering knows %d sites of %s", len(self._dataset.sites), self._dataset.title)

    async def send_history(self) -> None:
        """Return when metering has the readings from before the start."""
        if not self._mark.is_set():
            await retry(self._send_histories, self._metering)
            self._mark.set()
            _log.info("metering has the history")

    async def _describe(self) -> None:
        dataset, directory = self._dataset, self._directory
        tariff = published_tariff(dataset.prices, dataset.zone)
        await directory.put_tariff(tariff)
        if (flat := flat_tariff(tariff, dataset.prices)) is not None:
            await directory.put_tariff(flat)
        for site in dataset.sites:
            await directory.put_site(self._site(site.spec))
            await self._describe_parts(site.spec)
        together = tuple(each.spec.id for each in dataset.sites if each.spec.microgrid is None)
        if together:
            await directory.put_group(
                SiteGroup(
                    id=dataset.group,
                    display_name=dataset.group_display_name,
                    sites=together,
                    peak_price_per_kw=dataset.peak_price_per_kw,
                )
            )

    async def _describe_parts(self, site: SiteSpec) -> None:
        for asset in assets_of(site):
            await self._directory.put_asset(asset)
        for device in devices_of(site, self._endpoints.reach(site.id)):
            await self._directory.put_device(device)

    def _site(self, site: SiteSpec) -> Site:
        dataset, where = self._dataset, site.location
        return Site(
            id=site.id,
            display_name=site.display_name,
            time_zone=dataset.time_zone,
            currency_code=dataset.prices.currency_code,
            latitude_degrees=where.latitude_degrees if where else None,
            longitude_degrees=where.longitude_degrees if where else None,
            tariff=dataset.prices.tariff,
            carbon_zone=dataset.carbon.zone if dataset.carbon else None,
            nodes=site.nodes,
            microgrid=microgrid_of(site),
        )

    async def _send_histories(self) -> None:
        for history in self._histories():
            if refused := await self._readings.ingest(history):
                _log.error("metering refused %d readings of the history", refused)
