"""Bills by billing period, carried on from what came before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Energy
from wattmesh_kernel.tariff import (
    Bill,
    BillingState,
    Tariff,
    bill,
    billing_periods,
    billing_periods_of,
    parts_of,
)
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodBill:
    """The bill of one billing period, or of the part of it that was asked for."""

    period: TimeRange
    bill: Bill
    covered_ratio: float
    import_kwh: float
    export_kwh: float

    @property
    def whole_period(self) -> bool:
        """Whether all of the period is billed."""
        return self.bill.range.covers(self.period)


def history_start(tariff: Tariff, start: datetime, zone: ZoneInfo, raster: timedelta) -> datetime:
    """Return from when energy changes what the time from `start` on costs, on a raster.

    That is the start of its billing period, or of as many before as a ratchet looks back.
    """
    later = (part.terms for part in parts_of(tariff) if part.range.end > start)
    return min(_history_start(terms, start, zone, raster) for terms in later)


def _history_start(terms: Tariff, start: datetime, zone: ZoneInfo, raster: timedelta) -> datetime:
    ratchets = [charge.ratchet for charge in terms.demand_charges if charge.ratchet]
    period = billing_periods(terms.billing_cycle, TimeRange(start, start), zone)[0]
    if not (ratchets or terms.demand_charges or _tiers(terms)):
        return floor_time(start, raster)
    for _ in range(max((ratchet.lookback for ratchet in ratchets), default=0)):
        before = TimeRange(period.start - timedelta(days=1), period.start - timedelta(days=1))
        period = billing_periods(terms.billing_cycle, before, zone)[0]
    return floor_time(period.start, raster)


def _tiers(tariff: Tariff) -> bool:
    return bool(tariff.import_rates.tiered_rates or tariff.export_rates.tiered_rates)


def bill_by_period(
    tariff: Tariff, energy: Energy, zone: ZoneInfo, asked: TimeRange
) -> list[PeriodBill]:
    """Return the bills of the billing periods that `asked` touches, oldest first.

    `energy` begins at or before `asked`; what lies before it is billed by nobody, and carried on.
    """
    state = _state_before(tariff, energy, zone, asked.start)
    bills = list[PeriodBill]()
    for period in billing_periods_of(tariff, asked, zone):
        span = _on_raster(period, energy.import_wh.resolution).intersect(asked)
        if span is None:
            continue
        part = energy.window(span)
        one = bill(tariff, part.import_wh, part.export_wh, zone, state)
        state = one.state
        imported, exported = part.total_kwh()
        bills.append(
            PeriodBill(
                period=period,
                bill=one,
                covered_ratio=float(np.mean(part.known)),
                import_kwh=imported,
                export_kwh=exported,
            )
        )
    return bills


def cost_of(tariff: Tariff, energy: Energy, zone: ZoneInfo, asked: TimeRange) -> list[Bill]:
    """Return the bills alone."""
    return [each.bill for each in bill_by_period(tariff, energy, zone, asked)]


def exact_total(bills: list[Bill]) -> Decimal:
    """Return the sum of all lines, before any rounding."""
    return sum((line.amount for each in bills for line in each.lines), Decimal(0))


def _state_before(
    tariff: Tariff, energy: Energy, zone: ZoneInfo, start: datetime
) -> BillingState | None:
    if energy.range.start >= start:
        return None
    before = energy.window(TimeRange(energy.range.start, start))
    return bill(tariff, before.import_wh, before.export_wh, zone).state


def _on_raster(period: TimeRange, resolution: timedelta) -> TimeRange:
    """Return the intervals that belong to a period: those that start in it."""
    return TimeRange(ceil_time(period.start, resolution), ceil_time(period.end, resolution))
