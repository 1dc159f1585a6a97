"""Compare what tariffs would have cost over the same metered energy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.app.ports import KnownTariffs
from wattmesh_analytics.app.question import Span, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_tariffs import ReadTariffs
from wattmesh_analytics.domain.bills import cost_of, exact_total, history_start
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.money import Money
from wattmesh_kernel.tariff import Bill, BillLine, Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView

_MOST_TARIFFS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffCost:
    """What a tariff would have cost: as metered, by cause, and had the batteries done nothing."""

    tariff: TariffId
    cost: Money
    without_storage: Money
    lines: tuple[BillLine, ...]
    covered_ratio: float


class QueryTariffCosts:
    """Bills the same intervals by one tariff after the other."""

    def __init__(
        self, *, clock: Clock, view: SiteModelView, energy: ReadEnergy, tariffs: KnownTariffs
    ) -> None:
        self._clock = clock
        self._view = view
        self._energy = energy
        self._tariffs = ReadTariffs(view, tariffs)

    async def __call__(
        self, site: SiteId, span: Span, tariffs: Sequence[TariffId]
    ) -> list[TariffCost]:
        """Return the cost by each tariff, in the order asked; by the site's own when none is.

        Errors: as `site_assets`; NotFound `TARIFF_NOT_FOUND`; InvalidArgument when the
        span is not over, and for a tariff that stands twice.
        """
        span.require_past(self._clock)
        once = len(set(tariffs)) == len(tariffs) <= _MOST_TARIFFS
        message = f"a tariff stands once, and {_MOST_TARIFFS} at most"
        require(once, "REPEATED_TARIFF", message, "tariffs")
        assets = site_assets(self._view, site)
        found = [self._tariffs.current(assets.site, each) for each in tariffs or (None,)]
        starts = [self._history(each.rules, assets.zone, span) for each in found]
        needed = TimeRange(min(starts), span.range.end)
        energy = await self._energy(assets, needed, span.resolution)
        costs = list[TariffCost]()
        for each, start in zip(found, starts, strict=True):
            own = TimeRange(start, span.range.end)
            tariff = await self._tariffs.priced(each, own)
            cost = tariff_cost(tariff, energy.window(own), span.range)
            costs.append(replace(cost, tariff=each.name_over(span.range)))
        return costs

    def _history(self, rules: Tariff, zone: ZoneInfo, span: Span) -> datetime:
        return history_start(rules, span.range.start, zone, span.resolution)


def tariff_cost(tariff: Tariff, energy: SiteEnergy, asked: TimeRange) -> TariffCost:
    """Return what a tariff costs over the intervals in which both sides are known."""
    metered, without = energy.compared(Counterfactual.IDLE_STORAGE)
    bills = cost_of(tariff, metered, energy.zone, asked)
    idle = cost_of(tariff, without, energy.zone, asked)
    return TariffCost(
        tariff=tariff.id,
        cost=_total(tariff, bills),
        without_storage=_total(tariff, idle),
        lines=_merged(bills),
        covered_ratio=_covered_ratio(metered.window(asked), bills),
    )


def _total(tariff: Tariff, bills: list[Bill]) -> Money:
    return Money(exact_total(bills), tariff.currency_code).rounded()


def _merged(bills: list[Bill]) -> tuple[BillLine, ...]:
    """Return one line for each cause and name, over all billing periods."""
    found = dict[tuple[object, str, str], BillLine]()
    for line in (line for each in bills for line in each.lines):
        key = line.cause, line.name, line.unit
        before = found.get(key)
        found[key] = BillLine(
            cause=line.cause,
            name=line.name,
            unit=line.unit,
            quantity=line.quantity + (before.quantity if before else 0.0),
            amount=line.amount + (before.amount if before else Decimal(0)),
        )
    return tuple(found.values())


def _covered_ratio(metered: Energy, bills: list[Bill]) -> float:
    """Return the share of intervals that count: gaps of reading and price do not."""
    resolution = metered.import_wh.resolution
    missing = np.zeros(len(metered.import_wh), dtype=bool)
    for gap in (gap for each in bills for gap in each.gaps):
        first = (gap.range.start - metered.range.start) // resolution
        missing[first : first + gap.range.count(resolution)] = True
    return 1 - float(missing.mean()) if len(missing) else 0.0
