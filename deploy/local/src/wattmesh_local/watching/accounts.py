"""Cost, carbon and peak with control, and what they would have been without: asked of analytics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from wattmesh.analytics.v1 import analytics_service_pb2, bill_pb2, savings_pb2
from wattmesh_contracts.values import duration_to_proto, series_to_proto, time_range_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.ledger import Floats
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.errors import rpc_errors

INTERVAL = timedelta(hours=1)

IDLE = bill_pb2.COUNTERFACTUAL_IDLE_STORAGE
RULE = bill_pb2.COUNTERFACTUAL_SELF_CONSUMPTION


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What a span of time came to; `by_tariff`: the cost before what events paid was taken off."""

    cost: Decimal
    by_tariff: Decimal
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
    clients: MeshClients,
    sites: Sequence[WatchedSite],
    span: TimeRange,
    counterfactual: bill_pb2.Counterfactual.ValueType = IDLE,
) -> Accounts:
    """Return the accounts of `span`, whose ends are on the hour: idle batteries beside these.

    Error: WattmeshError.
    """
    return await _asked(clients, sites, span, counterfactual, ())


async def accounts_beside(
    clients: MeshClients,
    sites: Sequence[WatchedSite],
    span: TimeRange,
    changes_wh: Mapping[SiteId, Floats],
) -> Accounts:
    """Return the accounts of `span` beside so much more going into sites in each hour [Wh].

    NaN: not known; that hour is in neither account. Error: WattmeshError.
    """
    declared = [
        savings_pb2.DeclaredChange(
            site=site.name, net_energy_wh=series_to_proto(Series(span.start, INTERVAL, change))
        )
        for site, change in changes_wh.items()
    ]
    return await _asked(clients, sites, span, bill_pb2.COUNTERFACTUAL_DECLARED, declared)


async def _asked(
    clients: MeshClients,
    sites: Sequence[WatchedSite],
    span: TimeRange,
    counterfactual: bill_pb2.Counterfactual.ValueType,
    declared: Sequence[savings_pb2.DeclaredChange],
) -> Accounts:
    with rpc_errors():
        answer = await clients.analytics.QuerySavings(
            analytics_service_pb2.QuerySavingsRequest(
                sites=[site.id.name for site in sites],
                range=time_range_to_proto(span),
                resolution=duration_to_proto(INTERVAL),
                counterfactual=counterfactual,
                declared_changes=declared,
            )
        )
    total = answer.total
    return Accounts(
        currency_code=total.currency_code,
        achieved=_account(total.metered),
        no_control=_account(total.without),
        missing_intervals=total.missing_intervals,
    )


def _account(side: savings_pb2.Account) -> Account:
    return Account(
        cost=Decimal(side.cost_amount),
        by_tariff=Decimal(side.tariff_amount),
        carbon_kg=side.emissions_gco2e / 1000,
        peak_kw=side.peak_kw,
    )
