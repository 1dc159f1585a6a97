"""What a tariff costs, interval by interval in plain Python: slow, simple, and written apart."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    ChargeInterval,
    Day,
    DemandCharge,
    EnergyRates,
    Season,
    Tariff,
    Tier,
    TieredRate,
    Window,
)
from wattmesh_kernel.time import TimeRange, local_day

HOUR = timedelta(hours=1)


def season_holds(season: Season, day: date) -> bool:
    start, end = (season.start_month, season.start_day), (season.end_month, season.end_day)
    at = (day.month, day.day)
    return start <= at <= end if start <= end else at >= start or at <= end


def window_holds(window: Window, local: datetime, holidays: frozenset[date]) -> bool:
    day = Day.HOLIDAY if local.date() in holidays else Day(local.isoweekday())
    minute = local.hour * 60 + local.minute
    in_season = not window.seasons or any(season_holds(s, local.date()) for s in window.seasons)
    in_days = not window.days or day in window.days
    in_clock = not window.clock_ranges or any(
        r.start_minute <= minute < r.end_minute
        if r.start_minute < r.end_minute
        else minute >= r.start_minute or minute < r.end_minute
        for r in window.clock_ranges
    )
    return in_season and in_days and in_clock


def billing_period(tariff: Tariff, local: datetime) -> tuple[date, date]:
    """The first days of this billing period and of the next."""
    cycle = tariff.billing_cycle
    months = [
        date(year, month, 1) + timedelta(days=min(cycle.start_day, monthrange(year, month)[1]) - 1)
        for year in range(local.year - 1, local.year + 3)
        for month in range(1, 13, cycle.months)
    ]
    number = max(i for i, day in enumerate(months) if day <= local.date())
    return months[number], months[number + 1]


class ByHand:
    """The cost of metered energies, cause by cause."""

    def __init__(
        self, tariff: Tariff, import_wh: Series, export_wh: Series, zone: ZoneInfo
    ) -> None:
        self.tariff, self.zone = tariff, zone
        self.resolution = import_wh.resolution
        self.hours = import_wh.resolution / HOUR
        self.times = import_wh.times()
        self.imports = [float(wh) / 1000 for wh in import_wh.values]
        self.exports = [float(wh) / 1000 for wh in export_wh.values]

    def total(self) -> float:
        return (
            self.energy(self.tariff.import_rates, self.imports)
            - self.energy(self.tariff.export_rates, self.exports)
            + self.tiers(self.tariff.import_rates, self.imports)
            - self.tiers(self.tariff.export_rates, self.exports)
            + sum(self.demand(charge) for charge in self.tariff.demand_charges)
            + self.coincident()
            + self.fixed()
        )

    def local(self) -> Iterator[tuple[int, datetime]]:
        for i, moment in enumerate(self.times):
            yield i, moment.astimezone(self.zone)

    def holds(self, window: Window, local: datetime) -> bool:
        return window_holds(window, local, self.tariff.holidays)

    def energy(self, rates: EnergyRates, energy: list[float]) -> float:
        total = 0.0
        for i, local in self.local():
            price = rates.base_per_kwh
            for period in rates.tou_periods:
                if self.holds(period.window, local):
                    price += period.price_per_kwh
                    break
            if rates.real_time is not None and rates.real_time.published is not None:
                published = rates.real_time.published.at(self.times[i])
                each = rates.real_time.multiplier * published + rates.real_time.adder_per_kwh
                if rates.real_time.maximum_per_kwh is not None:
                    each = min(each, rates.real_time.maximum_per_kwh)
                price += each
            total += price * energy[i]
        return total

    def tiers(self, rates: EnergyRates, energy: list[float]) -> float:
        return sum(self.tiered(rate, energy) for rate in rates.tiered_rates)

    def tiered(self, rate: TieredRate, energy: list[float]) -> float:
        counted: dict[tuple[date, date], float] = defaultdict(float)
        for i, local in self.local():
            if self.holds(rate.window, local):
                counted[billing_period(self.tariff, local)] += energy[i]
        total = 0.0
        for (first, after), kwh in counted.items():
            days = [first + timedelta(days=n) for n in range((after - first).days)]
            if rate.window.seasons:
                days = [d for d in days if any(season_holds(s, d) for s in rate.window.seasons)]
            total += self.price_tiers(rate.tiers, kwh, len(days))
        return total

    @staticmethod
    def price_tiers(tiers: tuple[Tier, ...], kwh: float, days: int) -> float:
        starts = [tier.from_kwh + tier.from_kwh_per_day * days for tier in tiers]
        ends = [*starts[1:], float("inf")]
        return sum(
            tier.price_per_kwh * max(0.0, min(kwh, end) - start)
            for tier, start, end in zip(tiers, starts, ends, strict=True)
        )

    def demand(self, charge: DemandCharge) -> float:
        peaks = self.peaks_kw(charge)
        step = 1 if charge.interval is ChargeInterval.DAY else self.tariff.billing_cycle.months
        total = 0.0
        for first, peak in peaks.items():
            billed = max(peak, charge.minimum_kw)
            if charge.ratchet is not None:
                for other, earlier in peaks.items():
                    back = self.periods_between(charge, other, first) / step
                    season = charge.ratchet.season
                    if 0 < back <= charge.ratchet.lookback and (
                        season is None or season_holds(season, other)
                    ):
                        billed = max(billed, charge.ratchet.share_ratio * earlier)
            total += charge.price_per_kw * billed
        return total

    @staticmethod
    def periods_between(charge: DemandCharge, first: date, last: date) -> int:
        if charge.interval is ChargeInterval.DAY:
            return (last - first).days
        return (last.year - first.year) * 12 + last.month - first.month

    def peaks_kw(self, charge: DemandCharge) -> dict[date, float]:
        """The highest average of every period that has any that counts."""
        length = max(charge.averaging, self.resolution)
        sums: dict[tuple[date, datetime], float] = defaultdict(float)
        for i, local in self.local():
            into = timedelta(minutes=local.minute) % length
            start = self.times[i] - into
            clocked = start.astimezone(self.zone)
            within = [clocked + k * charge.averaging for k in range(length // charge.averaging)]
            if any(self.holds(charge.window, each) for each in within):
                first = (
                    clocked.date()
                    if charge.interval is ChargeInterval.DAY
                    else billing_period(self.tariff, clocked)[0]
                )
                sums[first, start] += self.imports[i] / (length / HOUR)
        peaks: dict[date, float] = defaultdict(float)
        for (first, _), kw in sums.items():
            peaks[first] = max(peaks[first], kw)
        return peaks

    def coincident(self) -> float:
        total = 0.0
        for charge in self.tariff.coincident_peak_charges:
            for event in charge.events:
                for i, start in enumerate(self.times):
                    part = event.intersect(TimeRange.of(start, self.resolution))
                    if part is not None:
                        energy = self.imports[i] * (part.duration / self.resolution)
                        total += charge.price_per_kw * energy / (event.duration / HOUR)
        return total

    def fixed(self) -> float:
        total = 0.0
        for charge in self.tariff.fixed_charges:
            length: Callable[[datetime], timedelta] = (
                self.day_length if charge.interval is ChargeInterval.DAY else self.period_length
            )
            total += sum(
                charge.amount * (self.resolution / length(local)) for _, local in self.local()
            )
        return total

    def day_length(self, local: datetime) -> timedelta:
        return local_day(local.date(), self.zone).duration

    def period_length(self, local: datetime) -> timedelta:
        first, after = billing_period(self.tariff, local)
        return local_day(after, self.zone).start - local_day(first, self.zone).start
