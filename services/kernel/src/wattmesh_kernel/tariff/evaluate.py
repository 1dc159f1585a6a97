"""The cost of energies under a lowered tariff: the one arithmetic of plans and bills."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.tariff.calendar import Bools, Floats, from_epoch_s
from wattmesh_kernel.tariff.charges import EnergyDirection
from wattmesh_kernel.tariff.lowered import ChargeCause, LoweredTariff, LoweredTier
from wattmesh_kernel.tariff.state import BillingState, DemandPeak, OpenAverage, TierUsage
from wattmesh_kernel.time import TimeRange

_TOLERANCE_KWH = 1e-6  # a solver's rounding, not a reading


@dataclass(frozen=True, kw_only=True, slots=True)
class CostLine:
    """One cause of cost: `quantity` of `unit`, and its amount [currency]; negative is a credit.

    `part` is the time that it is of, where the tariff changes; None: all of it.
    """

    cause: ChargeCause
    name: str
    quantity: float
    unit: str
    amount: float
    part: TimeRange | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cost:
    """What energies cost under a lowered tariff.

    `lines` leave out what cannot be priced; `missing_reading[n]` and `missing_price[n]` say where
    that is. `state` is the billing state at the end of the span.
    """

    lines: tuple[CostLine, ...]
    missing_reading: Bools
    missing_price: Bools
    state: BillingState

    @property
    def complete(self) -> bool:
        """True when nothing was left out."""
        return not (self.missing_reading.any() or self.missing_price.any())

    @property
    def total(self) -> float:
        """The sum of the lines [currency]; NaN when something was left out."""
        return sum(line.amount for line in self.lines) if self.complete else float("nan")


def evaluate(lowered: LoweredTariff, import_kwh: Floats, export_kwh: Floats) -> Cost:
    """Return the cost of import and export energies [kWh], shape `(n,)` each, one per interval.

    NaN energy is a missing reading. A missing price matters only where energy flows. Two intervals
    of 1 h importing 3 kWh at 0.10 and 0.30 cost 1.20. Errors: InvalidArgument for another shape or
    negative energy.
    """
    _check(lowered, import_kwh)
    _check(lowered, export_kwh)
    missing_reading = np.isnan(import_kwh) | np.isnan(export_kwh)
    imports = np.where(missing_reading, 0.0, import_kwh)
    exports = np.where(missing_reading, 0.0, export_kwh)
    peaks_kw, billed_kw = demand_kw(lowered, imports / lowered.hours)
    return Cost(
        lines=_merge(
            [
                *_energy_lines(lowered, imports, exports),
                *_tier_lines(lowered, imports, exports),
                *_demand_lines(lowered, billed_kw),
                *_fixed_lines(lowered),
            ]
        ),
        missing_reading=missing_reading,
        missing_price=(np.isnan(lowered.import_price_per_kwh) & (imports != 0))
        | (np.isnan(lowered.export_price_per_kwh) & (exports != 0)),
        state=_state_after(lowered, imports, exports, peaks_kw),
    )


def demand_kw(lowered: LoweredTariff, import_kw: Floats) -> tuple[list[float], list[float]]:
    """Return each demand's peak and billed demand [kW] for mean import powers `import_kw[n]`."""
    peaks: list[float] = []
    billed: list[float] = []
    for demand in lowered.demands:
        highest = float(demand.averages_kw(import_kw).max())
        peaks.append(max(demand.peak_so_far_kw, highest))
        left = (link.share_ratio * peaks[link.demand] for link in demand.ratchets)
        billed.append(max(peaks[-1], demand.floor_kw, *left))
    return peaks, billed


def _check(lowered: LoweredTariff, energy_kwh: Floats) -> None:
    if energy_kwh.shape != (len(lowered),):
        raise InvalidArgument(
            "UNEQUAL_SERIES",
            f"the tariff has {len(lowered)} intervals, the energy shape {energy_kwh.shape}",
            field="energy_kwh",
        )
    if np.any(energy_kwh < -_TOLERANCE_KWH):
        raise InvalidArgument(
            "NEGATIVE_ENERGY", "import and export are never negative", field="energy_kwh"
        )


def _energy_lines(lowered: LoweredTariff, imports: Floats, exports: Floats) -> Iterator[CostLine]:
    for each in lowered.components:
        imported = each.direction is EnergyDirection.IMPORT
        energy = imports if imported else exports
        amount = float(np.nan_to_num(each.price_per_kwh, nan=0.0) @ energy)
        yield CostLine(
            cause=each.cause,
            name=each.name,
            quantity=float(each.units_per_kwh @ energy),
            unit=each.unit,
            amount=amount if imported else -amount,
            part=each.part,
        )


def _tier_lines(lowered: LoweredTariff, imports: Floats, exports: Floats) -> Iterator[CostLine]:
    for tier in lowered.tiers:
        energy = _counted_kwh(tier, imports, exports)
        amount = tier.price(energy)
        yield CostLine(
            cause=ChargeCause.TIER,
            name=tier.rate_id,
            quantity=energy,
            unit="kWh",
            amount=amount if tier.direction is EnergyDirection.IMPORT else -amount,
            part=tier.part,
        )


def _counted_kwh(tier: LoweredTier, imports: Floats, exports: Floats) -> float:
    energy = imports if tier.direction is EnergyDirection.IMPORT else exports
    return float(tier.counted_ratio @ energy)


def _demand_lines(lowered: LoweredTariff, billed_kw: list[float]) -> Iterator[CostLine]:
    for demand, billed in zip(lowered.demands, billed_kw, strict=True):
        anew = billed - demand.billed_before_kw
        yield CostLine(
            cause=ChargeCause.DEMAND,
            name=demand.name,
            quantity=anew,
            unit="kW",
            amount=demand.price_per_kw * anew,
            part=demand.part,
        )


def _fixed_lines(lowered: LoweredTariff) -> Iterator[CostLine]:
    for fixed in lowered.fixed:
        units = float(fixed.units.sum())
        yield CostLine(
            cause=ChargeCause.FIXED,
            name=fixed.name,
            quantity=units,
            unit=fixed.unit,
            amount=units * fixed.amount,
            part=fixed.part,
        )


def _merge(lines: list[CostLine]) -> tuple[CostLine, ...]:
    """Add up lines of the same cause, name, unit and part, in order of first appearance."""
    merged: dict[tuple[ChargeCause, str, str, TimeRange | None], CostLine] = {}
    for line in lines:
        key = (line.cause, line.name, line.unit, line.part)
        before = merged.get(key)
        merged[key] = (
            line
            if before is None
            else replace(
                before,
                quantity=before.quantity + line.quantity,
                amount=before.amount + line.amount,
            )
        )
    return tuple(merged.values())


def _state_after(
    lowered: LoweredTariff, imports: Floats, exports: Floats, peaks_kw: list[float]
) -> BillingState:
    return BillingState(
        as_of=lowered.range.end,
        demand_peaks=_peaks_after(lowered, peaks_kw),
        open_averages=tuple(_open_averages(lowered, imports)),
        tier_usages=_usages_after(lowered, imports, exports),
    )


def _peaks_after(lowered: LoweredTariff, peaks_kw: list[float]) -> tuple[DemandPeak, ...]:
    peaks = {(peak.charge_id, peak.period_start): peak for peak in lowered.state.demand_peaks}
    for demand, peak_kw in zip(lowered.demands, peaks_kw, strict=True):
        start = demand.period.start
        peaks[demand.charge_id, start] = DemandPeak(
            charge_id=demand.charge_id, period_start=start, peak_kw=max(peak_kw, 0.0)
        )
    keep_from = lowered.keep_peaks_from
    return tuple(
        peak
        for peak in peaks.values()
        if peak.charge_id in keep_from and peak.period_start >= keep_from[peak.charge_id]
    )


def _open_averages(lowered: LoweredTariff, imports: Floats) -> Iterator[OpenAverage]:
    for demand in lowered.demands:
        start = from_epoch_s(int(demand.block_starts_s[-1]))
        if start + demand.averaging > lowered.range.end:
            mean_kw = float(demand.averages_kw(imports / lowered.hours)[-1])
            hours = demand.averaging.total_seconds() / 3600
            yield OpenAverage(
                charge_id=demand.charge_id, start=start, energy_kwh=max(mean_kw * hours, 0.0)
            )


def _usages_after(
    lowered: LoweredTariff, imports: Floats, exports: Floats
) -> tuple[TierUsage, ...]:
    usages = {(usage.rate_id, usage.period_start): usage for usage in lowered.state.tier_usages}
    for tier in lowered.tiers:
        energy = max(tier.used_kwh + _counted_kwh(tier, imports, exports), 0.0)
        usages[tier.rate_id, tier.period.start] = TierUsage(
            rate_id=tier.rate_id, period_start=tier.period.start, energy_kwh=energy
        )
    return tuple(
        usage for usage in usages.values() if usage.period_start >= lowered.keep_tiers_from
    )
