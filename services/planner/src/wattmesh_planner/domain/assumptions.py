"""What is assumed where nothing is known: the same time of the day before."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, Tariff
from wattmesh_kernel.time import TimeRange

PRICE_HISTORY = timedelta(days=7)
"""How far back prices are looked at to assume those that are not published yet."""
_DAY = timedelta(days=1)


def repeat_days(energy_wh: Series, target: TimeRange) -> Series:
    """Return mean power over `target` [W]: the newest metered energy of the same time of day.

    0 where none is known. 500 Wh metered from 7:00 to 8:00 are 500 W expected at 7:00 next day.
    """
    hours = energy_wh.resolution.total_seconds() / 3600
    expected = _same_time_before(energy_wh, target)
    return expected.with_values(np.nan_to_num(expected.values, nan=0.0) / hours)


def assume_unpublished_prices(tariff: Tariff, target: TimeRange) -> Tariff:
    """Return the tariff with a price for every interval of `target`.

    A real-time price that is not published yet is assumed to be that of the same time on the
    newest day before that has one. Published prices and other tariffs stay as they are.
    """
    return replace(
        tariff,
        import_rates=_assume(tariff.import_rates, target),
        export_rates=_assume(tariff.export_rates, target),
    )


def needs_billing_state(tariff: Tariff) -> bool:
    """Return whether what was metered in the running billing period changes what a plan costs."""
    tiers = (*tariff.import_rates.tiered_rates, *tariff.export_rates.tiered_rates)
    return bool(tariff.demand_charges or tiers)


def _assume(rates: EnergyRates, target: TimeRange) -> EnergyRates:
    if rates.real_time is None or rates.real_time.published is None:
        return rates
    known = rates.real_time.published
    whole = known.window(TimeRange(min(known.start, target.start), max(known.end, target.end)))
    filled = _same_time_before(known, whole.range)
    values = np.where(np.isfinite(whole.values), whole.values, filled.values)
    return replace(rates, real_time=replace(rates.real_time, published=whole.with_values(values)))


def _same_time_before(known: Series, span: TimeRange) -> Series:
    """Return, per interval, the newest known value of the same UTC time on a day before."""
    values = []
    for time in span.starts(known.resolution):
        value, back = float("nan"), time
        while np.isnan(value) and back > known.start:
            back -= _DAY
            value = known.at(back)
        values.append(value)
    return Series(span.start, known.resolution, np.array(values))
