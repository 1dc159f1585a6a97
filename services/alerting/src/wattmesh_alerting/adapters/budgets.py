"""The emissions of the running month beside a site's budget."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import grpc

from wattmesh.analytics.v1 import analytics_service_pb2, analytics_service_pb2_grpc
from wattmesh_alerting.adapters.day_costs import money
from wattmesh_alerting.domain.carbon_budget import BudgetUse, budget_use
from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.latch import Latch
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import BillingCycle, billing_periods
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_runtime.errors import rpc_errors

_HOUR = timedelta(hours=1)
_MONTHS = BillingCycle()
_BEGINS, _ENDS = 1.0, 0.95


class CarbonBudgets:
    """Judges a site that has a budget and a carbon zone."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._stub = analytics_service_pb2_grpc.AnalyticsServiceStub(channel)
        self._clock = clock
        self._latch = Latch()

    async def __call__(self, site: Site) -> Sequence[Condition]:
        """Return whether its budget will not do. Error: Unavailable."""
        budget = site.monthly_carbon_budget_gco2e
        if budget is None or site.carbon_zone is None:
            return ()
        now = self._clock.now()
        month = _month(now, site.zone)
        until = floor_time(now, _HOUR)
        if until <= month.start:
            return ()
        use = budget_use(await self._used(site, TimeRange(month.start, until)), budget, month, now)
        if not self._latch.holds(site.id, use.strain, begins=_BEGINS, ends=_ENDS):
            return ()
        return [_condition(site, use, now)]

    async def _used(self, site: Site, span: TimeRange) -> float:
        """Return the location-based emissions of what was imported [gCO2e]."""
        request = analytics_service_pb2.QueryFootprintRequest(
            subjects=[site.name],
            range=time_range_to_proto(span),
            resolution=duration_to_proto(_HOUR),
        )
        with rpc_errors():
            answer = await self._stub.QueryFootprint(request)
        return float(answer.total.footprint.location_based_gco2e)


def _month(now: datetime, zone: ZoneInfo) -> TimeRange:
    (month,) = billing_periods(_MONTHS, TimeRange.of(now, timedelta(seconds=1)), zone)
    return month


def _condition(site: Site, use: BudgetUse, now: datetime) -> Condition:
    words = f"{use.used_gco2e / 1000:.1f} of {use.budget_gco2e / 1000:.1f} kg CO2e are used"
    excess = None
    if use.expected_gco2e is not None and use.expected_gco2e > use.budget_gco2e:
        words += f"; at this pace the month comes to {use.expected_gco2e / 1000:.1f} kg"
        price = site.goals.carbon_price_per_kg
        over_kg = (use.expected_gco2e - use.budget_gco2e) / 1000
        excess = None if price is None else money(price * over_kg, site.currency_code)
    return Condition(
        rule=Rule.CARBON_BUDGET,
        subject=site.name,
        since=now,
        site=site.id,
        description=words,
        value=use.used_gco2e,
        threshold=use.budget_gco2e,
        unit="gCO2e",
        time_left=use.time_left,
        at_stake=excess,
        links=(site.carbon_zone.name,) if site.carbon_zone else (),
    )
