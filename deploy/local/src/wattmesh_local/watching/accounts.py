"""Cost, carbon and peak with control, and what they would have been without: from metered energy.

Without control the batteries do nothing: each site's exchange with the grid is then its metered
exchange less its batteries' metered energy. Both are billed by the same tariff over the same
intervals: one in which a battery was not metered counts in neither, and is said to be missing.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial

import numpy as np
from numpy.typing import NDArray

from wattmesh.carbon.v1 import carbon_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import (
    duration_to_proto,
    series_from_proto,
    series_to_proto,
    time_range_to_proto,
)
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import Tariff, bill
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.aio.tasks import map_at_most, together

INTERVAL = timedelta(hours=1)

_AT_ONCE = 20
"""How many questions of one kind are asked at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A site's exchange with the grid per interval [Wh], not negative, NaN: not metered."""

    import_wh: Series
    export_wh: Series

    @property
    def net_wh(self) -> NDArray[np.float64]:
        """Import less export."""
        return self.import_wh.values - self.export_wh.values


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What a span of time came to."""

    cost: Decimal
    carbon_kg: float
    peak_kw: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Accounts:
    """The same span with control and without, all sites together.

    `missing_intervals` counts the intervals of sites that are in neither account.
    """

    currency_code: str
    achieved: Account
    no_control: Account
    missing_intervals: int


async def compute_accounts(
    clients: MeshClients, sites: list[WatchedSite], span: TimeRange
) -> Accounts:
    """Return the accounts of `span`, whose ends are on the hour."""
    energies, tariffs = await together(
        _energies(clients, sites, span), _tariffs(clients, sites, span)
    )
    no_control = [_without_batteries(site, energies) for site in sites]
    achieved = [
        _where_known(energies[site.grid], other)
        for site, other in zip(sites, no_control, strict=True)
    ]
    with_, without = await together(
        _account(clients, sites, tariffs, achieved),
        _account(clients, sites, tariffs, no_control),
    )
    return Accounts(
        currency_code=sites[0].currency_code,
        achieved=with_,
        no_control=without,
        missing_intervals=sum(int(np.isnan(each.net_wh).sum()) for each in no_control),
    )


async def _energies(
    clients: MeshClients, sites: list[WatchedSite], span: TimeRange
) -> dict[AssetId, Exchange]:
    answer = await clients.metering.QueryEnergy(
        metering_pb2.QueryEnergyRequest(
            assets=[asset.name for site in sites for asset in site.balance],
            range=time_range_to_proto(span),
            resolution=duration_to_proto(INTERVAL),
        )
    )
    return {
        AssetId.parse(energy.asset): Exchange(
            import_wh=series_from_proto(energy.import_energy_wh),
            export_wh=series_from_proto(energy.export_energy_wh),
        )
        for energy in answer.energies
    }


async def _tariffs(
    clients: MeshClients, sites: list[WatchedSite], span: TimeRange
) -> dict[str, Tariff]:
    names = sorted({site.tariff for site in sites})

    async def tariff(name: str) -> Tariff:
        request = site_service_pb2.GetTariffRequest(
            name=name, price_range=time_range_to_proto(span)
        )
        return tariff_from_proto((await clients.sites.GetTariff(request)).tariff)

    found = await map_at_most(_AT_ONCE, tariff, names)
    return dict(zip(names, found, strict=True))


def _where_known(exchange: Exchange, other: Exchange) -> Exchange:
    """Return `exchange` in the intervals of `other` that are known, NaN in the rest."""
    unknown = np.isnan(other.net_wh)
    return Exchange(
        import_wh=_without(exchange.import_wh, unknown),
        export_wh=_without(exchange.export_wh, unknown),
    )


def _without(series: Series, intervals: NDArray[np.bool_]) -> Series:
    return series.with_values(np.where(intervals, np.nan, series.values))


def _without_batteries(site: WatchedSite, energies: dict[AssetId, Exchange]) -> Exchange:
    grid = energies[site.grid]
    net = grid.net_wh - sum(energies[battery].net_wh for battery in site.batteries)
    return Exchange(
        import_wh=grid.import_wh.with_values(np.maximum(net, 0.0)),
        export_wh=grid.import_wh.with_values(np.maximum(-net, 0.0)),
    )


async def _account(
    clients: MeshClients,
    sites: list[WatchedSite],
    tariffs: dict[str, Tariff],
    exchanges: list[Exchange],
) -> Account:
    cost = sum(
        (
            bill(tariffs[site.tariff], each.import_wh, each.export_wh, site.zone).subtotal.amount
            for site, each in zip(sites, exchanges, strict=True)
        ),
        Decimal(0),
    )
    pairs = [pair for pair in zip(sites, exchanges, strict=True) if pair[0].carbon_zone]
    footprints = await map_at_most(_AT_ONCE, partial(_footprint_gco2e, clients), pairs)
    total = np.sum([each.net_wh for each in exchanges], axis=0)
    hours = INTERVAL / timedelta(hours=1)
    return Account(
        cost=cost,
        carbon_kg=sum(footprints) / 1000,
        peak_kw=max(float(np.nanmax(total, initial=0.0)), 0.0) / hours / 1000,
    )


async def _footprint_gco2e(clients: MeshClients, pair: tuple[WatchedSite, Exchange]) -> float:
    site, exchange = pair
    answer = await clients.carbon.ComputeFootprint(
        carbon_pb2.ComputeFootprintRequest(
            zone=site.carbon_zone, import_energy_wh=series_to_proto(exchange.import_wh)
        )
    )
    return answer.location_based_gco2e
