"""A time-of-use tariff out of a table of hourly prices, when the table is one."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff.model import NO_PRICE, Tariff
from wattmesh_kernel.tariff.rates import EnergyRates, TouPeriod
from wattmesh_kernel.tariff.windows import WEEKDAYS, WEEKENDS, ClockRange, Day, Season, Window

_Profile = tuple[float, ...]
_EVERY_DAY: frozenset[Day] = frozenset()


def tariff_from_hourly_prices(
    tariff_id: TariffId,
    currency_code: str,
    prices: Iterable[tuple[datetime, float]],
    export_rates: EnergyRates = NO_PRICE,
) -> Tariff | None:
    """Return the time-of-use tariff that says the same as a table of hourly prices, if one does.

    `prices` are pairs of a local wall-clock time (its zone is not looked at) and the price
    [currency/kWh] of the hour from then on. The answer is None unless every (month, weekday or
    weekend, local hour) is there and has one price throughout. Holidays cannot be told from a
    table and are none. Export earns nothing unless `export_rates` say so.
    """
    table = _table(prices)
    if table is None:
        return None
    return Tariff(
        id=tariff_id,
        currency_code=currency_code,
        import_rates=EnergyRates(tou_periods=tuple(_periods(table))),
        export_rates=export_rates,
    )


def _table(prices: Iterable[tuple[datetime, float]]) -> Mapping[tuple[int, bool], _Profile] | None:
    """Return the 24 prices of every (month, weekend); None when a cell is empty or ambiguous."""
    cells: dict[tuple[int, bool, int], float] = {}
    for moment, price in prices:
        key = (moment.month, moment.isoweekday() > 5, moment.hour)
        if cells.setdefault(key, price) != price:
            return None
    if len(cells) != 12 * 2 * 24:
        return None
    return {
        (month, weekend): tuple(cells[month, weekend, hour] for hour in range(24))
        for month in range(1, 13)
        for weekend in (False, True)
    }


def _periods(table: Mapping[tuple[int, bool], _Profile]) -> Iterator[TouPeriod]:
    months = range(1, 13)
    if all(table[month, False] == table[month, True] for month in months):
        yield from _day_periods("", _EVERY_DAY, {m: table[m, False] for m in months})
        return
    yield from _day_periods("weekday ", WEEKDAYS, {m: table[m, False] for m in months})
    yield from _day_periods("weekend ", WEEKENDS, {m: table[m, True] for m in months})


def _day_periods(
    label: str, days: frozenset[Day], profiles: Mapping[int, _Profile]
) -> Iterator[TouPeriod]:
    for profile in dict.fromkeys(profiles.values()):
        months = [month for month in profiles if profiles[month] == profile]
        seasons = () if len(months) == 12 else tuple(_seasons(months))
        for price in sorted(set(profile)):
            yield TouPeriod(
                name=f"{label}{price:g}/kWh",
                price_per_kwh=price,
                window=Window(seasons=seasons, days=days, clock_ranges=_ranges(profile, price)),
            )


def _seasons(months: list[int]) -> Iterator[Season]:
    """Yield the runs of consecutive months; one over the turn of the year stays whole."""
    runs = [
        [month for _, month in run]
        for _, run in groupby(enumerate(months), key=lambda pair: pair[1] - pair[0])
    ]
    if len(runs) > 1 and runs[0][0] == 1 and runs[-1][-1] == 12:
        runs[0] = runs.pop() + runs[0]
    for run in runs:
        yield Season(start_month=run[0], end_month=run[-1])


def _ranges(profile: _Profile, price: float) -> tuple[ClockRange, ...]:
    """Return the hours of one price as clock ranges; none means the whole day."""
    if set(profile) == {price}:
        return ()
    hours = [hour for hour in range(24) if profile[hour] == price]
    runs = [
        [hour for _, hour in run]
        for _, run in groupby(enumerate(hours), key=lambda pair: pair[1] - pair[0])
    ]
    return tuple(ClockRange.hours(run[0], run[-1] + 1) for run in runs)
