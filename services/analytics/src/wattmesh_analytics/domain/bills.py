"""Bills by billing period, carried on from what came before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Bools, Energy
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    Bill,
    BillingState,
    BillLine,
    ChargeCause,
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
    estimated: tuple[TimeRange, ...] = ()
    """When the energy is not as it was metered."""
    estimated_import_kwh: float = 0.0
    estimated_export_kwh: float = 0.0

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
    Lines say how much of them is there by estimated energy alone.
    """
    state = _state_before(tariff, energy, zone, asked.start)
    bills = list[PeriodBill]()
    for period in billing_periods_of(tariff, asked, zone):
        span = _on_raster(period, energy.import_wh.resolution).intersect(asked)
        if span is None:
            continue
        part = energy.window(span)
        one = bill(tariff, part.import_wh, part.export_wh, zone, state)
        bills.append(_period_bill(period, _with_shares(one, tariff, part, zone, state), part))
        state = one.state
    return bills


def _period_bill(period: TimeRange, one: Bill, part: Energy) -> PeriodBill:
    imported, exported = part.total_kwh()
    estimated = part.only(part.is_estimated)
    estimated_import, estimated_export = estimated.total_kwh()
    return PeriodBill(
        period=period,
        bill=one,
        covered_ratio=float(np.mean(part.known)),
        import_kwh=imported,
        export_kwh=exported,
        estimated=tuple(_runs(part.is_estimated, part.import_wh)),
        estimated_import_kwh=estimated_import,
        estimated_export_kwh=estimated_export,
    )


def _with_shares(
    one: Bill, tariff: Tariff, part: Energy, zone: ZoneInfo, state: BillingState | None
) -> Bill:
    """Return a bill whose lines say what share of them there would not be without estimates.

    100 kWh of which 20 were estimated: 0.2. A peak of 8 kW that was estimated, where the highest
    that was metered is 6 kW: 0.25.
    """
    if not part.is_estimated.any():
        return one
    metered = part.only(~part.is_estimated)
    without = bill(tariff, metered.import_wh, metered.export_wh, zone, state)
    quantities = {_key(line): line.quantity for line in without.lines}
    lines = (
        replace(line, estimated_ratio=_share(line.quantity, quantities.get(_key(line), 0.0)))
        for line in one.lines
    )
    return replace(one, lines=tuple(lines))


def _key(line: BillLine) -> tuple[ChargeCause, str, TimeRange | None]:
    return line.cause, line.name, line.part


def _share(quantity: float, without: float) -> float:
    return min(max(1 - without / quantity, 0.0), 1.0) if quantity else 0.0


def _runs(chosen: Bools, series: Series) -> Iterator[TimeRange]:
    """Yield the runs of intervals that are chosen."""
    padded = np.concatenate(([False], chosen, [False]))
    bounds = np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2).tolist()
    for first, end in bounds:
        yield TimeRange(
            series.start + first * series.resolution, series.start + end * series.resolution
        )


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
