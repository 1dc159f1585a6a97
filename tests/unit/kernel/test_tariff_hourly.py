from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import (
    ALWAYS,
    EnergyRates,
    Tariff,
    lower_tariff,
    tariff_from_hourly_prices,
)
from wattmesh_kernel.time import local_day

HOUR = timedelta(hours=1)
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
Price = Callable[[datetime], float]


def evening_peak(local: datetime) -> float:
    """Off-peak 0.20; 16–21 h 0.50 on summer weekdays, 0.40 on summer weekends, 0.35 in winter."""
    if not 16 <= local.hour < 21:
        return 0.20
    if not 6 <= local.month <= 9:
        return 0.35
    return 0.50 if local.isoweekday() <= 5 else 0.40


def year_of(price: Price, hours: int = 8760) -> Iterator[tuple[datetime, float]]:
    start = datetime(2016, 8, 1)  # noqa: DTZ001 (a wall-clock reading)
    for hour in range(hours):
        local = start + hour * HOUR
        yield local, price(local)


def derive(price: Price, hours: int = 8760) -> Tariff | None:
    return tariff_from_hourly_prices(TariffId("derived"), "USD", year_of(price, hours))


def test_the_derived_tariff_prices_every_hour_as_the_table_does() -> None:
    tariff = derive(evening_peak)
    assert tariff is not None
    for day in (date(2024, 1, 3), date(2024, 7, 5), date(2024, 7, 6), date(2024, 3, 10)):
        span = local_day(day, LOS_ANGELES)
        lowered = lower_tariff(tariff, span, HOUR, LOS_ANGELES)
        expected = [evening_peak(t.astimezone(LOS_ANGELES)) for t in span.starts(HOUR)]
        np.testing.assert_array_equal(lowered.import_price_per_kwh, expected)
        assert not lowered.export_price_per_kwh.any()


def test_runs_of_months_and_hours_become_seasons_and_ranges() -> None:
    tariff = derive(evening_peak)
    assert tariff is not None
    periods = tariff.import_rates.tou_periods
    assert len(periods) == 8
    winter = next(p for p in periods if p.price_per_kwh == 0.35)
    assert [(s.start_month, s.end_month) for s in winter.window.seasons] == [(10, 5)]
    assert len(winter.window.clock_ranges) == 1


def test_a_flat_table_is_one_period() -> None:
    tariff = derive(lambda _: 0.25)
    assert tariff is not None
    (period,) = tariff.import_rates.tou_periods
    assert period.window == ALWAYS


def test_a_table_with_two_prices_for_one_hour_is_no_time_of_use_tariff() -> None:
    odd = datetime(2016, 12, 24, 18)  # noqa: DTZ001
    assert derive(lambda local: 9.0 if local == odd else evening_peak(local)) is None


def test_a_table_of_less_than_a_year_is_not_enough() -> None:
    assert derive(evening_peak, hours=4000) is None


def test_export_rates_are_taken_over() -> None:
    aware = ((t.replace(tzinfo=UTC), price) for t, price in year_of(evening_peak))
    rates = EnergyRates(base_per_kwh=0.05)
    tariff = tariff_from_hourly_prices(TariffId("d"), "USD", aware, rates)
    assert tariff is not None
    assert tariff.export_rates == rates
