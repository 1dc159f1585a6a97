"""What a running billing period, and earlier ones, leave for the times to come."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import to_utc


def _check_amount(what: str, value: float) -> None:
    if not 0 <= value < float("inf"):
        raise InvalidArgument(
            "INVALID_BILLING_STATE", f"{what} must be finite and not negative", field=what
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DemandPeak:
    """The highest clocked average [kW] of a demand charge in one billing period (or day).

    Its presence says that the period's peak, and the least it leaves due, were billed already.
    """

    charge_id: str
    period_start: datetime
    peak_kw: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "period_start", to_utc(self.period_start))
        _check_amount("peak_kw", self.peak_kw)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAverage:
    """A clocked average in the making: the energy [kWh] imported since its start."""

    charge_id: str
    start: datetime
    energy_kwh: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", to_utc(self.start))
        _check_amount("energy_kwh", self.energy_kwh)


@dataclass(frozen=True, kw_only=True, slots=True)
class TierUsage:
    """The energy [kWh] a tiered rate has counted in one billing period."""

    rate_id: str
    period_start: datetime
    energy_kwh: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "period_start", to_utc(self.period_start))
        _check_amount("energy_kwh", self.energy_kwh)


@dataclass(frozen=True, kw_only=True, slots=True)
class BillingState:
    """Everything before `as_of` that changes what the time after it costs.

    With it, part of a period costs exactly what it adds to the bill. `BillingState(as_of=t)` is
    that of a site without a past.
    """

    as_of: datetime
    demand_peaks: tuple[DemandPeak, ...] = ()
    open_averages: tuple[OpenAverage, ...] = ()
    tier_usages: tuple[TierUsage, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "as_of", to_utc(self.as_of))

    def peak_kw(self, charge_id: str, period_start: datetime) -> float | None:
        """Return the peak of a charge's period; None when nothing was billed for it yet."""
        return max(
            (
                peak.peak_kw
                for peak in self.demand_peaks
                if (peak.charge_id, peak.period_start) == (charge_id, period_start)
            ),
            default=None,
        )

    def tier_usage_kwh(self, rate_id: str, period_start: datetime) -> float:
        """Return the energy counted so far in a rate's period, 0 when there is none."""
        return sum(
            usage.energy_kwh
            for usage in self.tier_usages
            if (usage.rate_id, usage.period_start) == (rate_id, period_start)
        )

    def open_energy_kwh(self, charge_id: str, start: datetime) -> float:
        """Return the energy of the average that began at `start`, 0 when there is none."""
        return sum(
            average.energy_kwh
            for average in self.open_averages
            if (average.charge_id, average.start) == (charge_id, start)
        )
