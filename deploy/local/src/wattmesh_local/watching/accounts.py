"""Cost, carbon and peak with control, and what they would have been without: asked of analytics."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from wattmesh.analytics.v1 import analytics_service_pb2, bill_pb2, savings_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.sites import WatchedSite

INTERVAL = timedelta(hours=1)


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
    """Return the accounts of `span`, whose ends are on the hour: idle batteries beside these."""
    answer = await clients.analytics.QuerySavings(
        analytics_service_pb2.QuerySavingsRequest(
            sites=[site.id.name for site in sites],
            range=time_range_to_proto(span),
            resolution=duration_to_proto(INTERVAL),
            counterfactual=bill_pb2.COUNTERFACTUAL_IDLE_STORAGE,
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
        cost=Decimal(side.cost_amount), carbon_kg=side.emissions_gco2e / 1000, peak_kw=side.peak_kw
    )
