"""What days cost, by their hours: unexpected cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from wattmesh_alerting.adapters.energies import Energies, Metered, grid_connection
from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.day_cost import WEEKS, DayCost, day_cost
from wattmesh_alerting.domain.latch import Latch
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import lower_tariff, terms_at
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_sitemodel.contract import read_contract
from wattmesh_sitemodel.tariffs import GrpcTariffs
from wattmesh_sitemodel.view import SiteModelView

_HOUR = timedelta(hours=1)
_LOOK_BACK = timedelta(weeks=WEEKS, days=1)
_STAYS = 0.8
"""It is usual again below so much of the margin."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HoursOfSite:
    """What was metered at a site's grid connection by the hour, and what that cost [currency]."""

    metered: Metered
    costs: Series


class HourlyCosts:
    """Reads what the last weeks of a site cost by the hour: energy alone, without tiers."""

    def __init__(
        self, energies: Energies, tariffs: GrpcTariffs, view: SiteModelView, clock: Clock
    ) -> None:
        self._energies = energies
        self._tariffs = tariffs
        self._view = view
        self._clock = clock

    async def __call__(self, site: Site) -> HoursOfSite | None:
        """Return a site's hours; None: it has no connection. Errors: Unavailable, NotFound."""
        connection = grid_connection(self._view.model, site.id)
        if connection is None:
            return None
        end = floor_time(self._clock.now(), _HOUR)
        span = TimeRange(end - _LOOK_BACK, end)
        found = await self._energies.of([connection.id.name], span, _HOUR)
        metered = found[connection.id]
        tariff = await read_contract(site, lambda each: self._tariffs.tariff(each, span))
        if tariff is None:
            return HoursOfSite(
                metered=metered,
                costs=metered.import_wh.with_values(np.full(len(metered.import_wh), np.nan)),
            )
        lowered = lower_tariff(tariff, span, _HOUR, site.zone)
        imports, exports = metered.import_wh.values / 1000, metered.export_wh.values / 1000
        paid = np.where(imports > 0, lowered.import_price_per_kwh * imports, imports)
        earned = np.where(exports > 0, lowered.export_price_per_kwh * exports, exports)
        return HoursOfSite(metered=metered, costs=metered.import_wh.with_values(paid - earned))


class UnexpectedCost:
    """Judges a site's day so far beside days of its type."""

    def __init__(self, hours: HourlyCosts, view: SiteModelView, clock: Clock) -> None:
        self._hours = hours
        self._view = view
        self._clock = clock
        self._latch = Latch()

    async def __call__(self, site: Site) -> Sequence[Condition]:
        """Return whether the day has cost more than usual. Error: Unavailable."""
        hours = await self._hours(site)
        tariff = self._view.model.tariff_of(site)
        if hours is None or tariff is None:
            return ()
        now = self._clock.now()
        found = day_cost(hours.costs, now, site.zone, terms_at(tariff, now).holidays)
        if found is None or not self._latch.holds(
            site.id, found.excess, begins=found.margin, ends=_STAYS * found.margin
        ):
            return ()
        currency = tariff.currency_code
        return [
            Condition(
                rule=Rule.UNEXPECTED_COST,
                subject=site.name,
                since=now,
                site=site.id,
                description=_words(found, currency),
                value=found.cost,
                threshold=found.usual + found.margin,
                unit=currency,
                at_stake=money(found.excess, currency),
                links=(tariff.id.name,),
            )
        ]


def money(amount: float, currency: str) -> Money:
    """Return an amount that was reckoned, to the cent."""
    return Money(Decimal(f"{amount:.4f}"), currency).rounded()


def _words(found: DayCost, currency: str) -> str:
    return (
        f"{money(found.cost, currency)} so far today, where {found.days} days like it came to"
        f" {money(found.usual, currency)} by this hour"
    )
