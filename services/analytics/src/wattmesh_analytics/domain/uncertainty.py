"""What a saving would be had nothing been missing: an interval, from how much its days differ."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_kernel.tariff import LoweredTariff

_DAY = timedelta(days=1)
_NINETY = 1.645
"""Of a normal distribution 90 % lie within so many standard deviations."""
_PLACES = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """Both ends of what holds a saving with 90 % [currency], before rounding."""

    low: Decimal
    high: Decimal


def saved_interval(
    saved: Decimal, lowered: LoweredTariff, metered: Energy, without: Energy
) -> Interval | None:
    """Return the saving with what is missing filled in; None when less than two days count.

    Each missing day is taken for one like those that count: with the mean m and the deviation s of
    n days, M missing days add M m, with a variance of s^2 (M + M^2 / n). With nothing missing both
    ends are the saving. Peaks are not spread over days: a missing one is not in it.
    """
    per_interval = _energy_cost(lowered, without) - _energy_cost(lowered, metered)
    per_day = max(_DAY // metered.import_wh.resolution, 1)
    days, known = _by_day(per_interval, per_day)
    if len(days) < 2:
        return None
    missing = len(per_interval) / per_day - known
    spread = _NINETY * float(np.std(days, ddof=1)) * np.sqrt(missing + missing**2 / len(days))
    middle = float(np.mean(days)) * missing
    return Interval(low=saved + _decimal(middle - spread), high=saved + _decimal(middle + spread))


def _energy_cost(lowered: LoweredTariff, energy: Energy) -> Floats:
    cost = lowered.import_price_per_kwh * energy.import_wh.values
    return np.asarray((cost - lowered.export_price_per_kwh * energy.export_wh.values) / 1000)


def _by_day(per_interval: Floats, per_day: int) -> tuple[Floats, float]:
    """Return what each day saved, had all of it counted, and how many days count together."""
    count = -(-len(per_interval) // per_day)
    padded = np.full(count * per_day, np.nan)
    padded[: len(per_interval)] = per_interval
    blocks = padded.reshape(count, per_day)
    known = np.isfinite(blocks).sum(axis=1)
    most = known >= per_day / 2
    sums = np.nansum(blocks[most], axis=1) * per_day / np.maximum(known[most], 1)
    return sums, float(known.sum()) / per_day


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.{_PLACES}f}")
