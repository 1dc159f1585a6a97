from datetime import UTC, datetime, timedelta

import numpy as np

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, RealTimePrice, Tariff, TouPeriod
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.assumptions import (
    assume_unpublished_prices,
    needs_billing_state,
    repeat_days,
)
from wattmesh_planner.domain.inputs import peak_power_w

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2024, 5, 1, tzinfo=UTC)


def real_time(published: Series) -> Tariff:
    rates = EnergyRates(real_time=RealTimePrice(published=published))
    return Tariff(id=TariffId("agile"), currency_code="GBP", import_rates=rates)


def published_of(tariff: Tariff) -> Series:
    price = tariff.import_rates.real_time
    assert price is not None
    assert price.published is not None
    return price.published


def test_an_unpublished_price_is_that_of_the_same_time_the_day_before() -> None:
    yesterday = np.arange(24.0) / 100
    tariff = real_time(Series(START, HOUR, yesterday))

    assumed = assume_unpublished_prices(tariff, TimeRange.of(START + DAY, DAY))

    assert published_of(assumed).window(TimeRange.of(START + DAY, DAY)).values.tolist() == (
        yesterday.tolist()
    )


def test_published_prices_are_never_changed_even_when_negative() -> None:
    prices = np.concatenate((np.full(24, 0.2), np.full(12, -0.05), np.full(12, np.nan)))
    tariff = real_time(Series(START, HOUR, prices))

    assumed = published_of(assume_unpublished_prices(tariff, TimeRange.of(START + DAY, DAY)))

    assert assumed.values[:36].tolist() == prices[:36].tolist()
    assert assumed.values[36:].tolist() == [0.2] * 12


def test_a_tariff_without_dynamic_prices_stays_as_it_is() -> None:
    period = TouPeriod(name="all", price_per_kwh=0.3)
    tariff = Tariff(
        id=TariffId("flat"),
        currency_code="EUR",
        import_rates=EnergyRates(tou_periods=(period,)),
    )

    assert assume_unpublished_prices(tariff, TimeRange.of(START, DAY)) == tariff
    assert not needs_billing_state(tariff)


def test_yesterdays_metered_energy_is_expected_as_mean_power() -> None:
    metered = Series(START, HOUR, np.arange(24.0))

    expected = repeat_days(metered, TimeRange.of(START + DAY, DAY))

    assert expected.values.tolist() == metered.values.tolist()


def test_a_gap_yesterday_is_filled_from_the_day_before_it() -> None:
    values = np.concatenate((np.full(24, 7.0), np.full(24, np.nan)))

    expected = repeat_days(Series(START, HOUR, values), TimeRange.of(START + 2 * DAY, DAY))

    assert expected.values.tolist() == [7.0] * 24


def test_the_peak_so_far_is_shared_and_ignores_what_was_not_metered() -> None:
    one = Series(START, HOUR / 2, np.array([1_000.0, np.nan, 500.0]))
    other = Series(START, HOUR / 2, np.array([200.0, 9_000.0, -300.0]))

    assert peak_power_w([one, other]) == 2_400.0
    assert peak_power_w([]) == 0.0
