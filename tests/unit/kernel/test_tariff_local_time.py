from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    WEEKDAYS,
    WEEKENDS,
    Bill,
    BillingCycle,
    ChargeInterval,
    ClockRange,
    DemandCharge,
    EnergyRates,
    FixedCharge,
    Season,
    Tariff,
    TouPeriod,
    Window,
    bill,
    billing_periods,
    lower_tariff,
)
from wattmesh_kernel.tariff.calendar import earlier_period_start
from wattmesh_kernel.time import TimeRange, local_day

HOUR = timedelta(hours=1)
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
LONDON = ZoneInfo("Europe/London")
KOLKATA = ZoneInfo("Asia/Kolkata")


def tou(price: float, other: float, **window: object) -> Tariff:
    periods = (
        TouPeriod(name="on", price_per_kwh=price, window=Window(**window)),  # type: ignore[arg-type]
        TouPeriod(name="off", price_per_kwh=other),
    )
    return Tariff(
        id=TariffId("t"), currency_code="USD", import_rates=EnergyRates(tou_periods=periods)
    )


def a_kwh_an_hour(tariff: Tariff, span: TimeRange, zone: ZoneInfo) -> Bill:
    imports = Series.filled(span, HOUR, 1000.0)
    return bill(tariff, imports, imports.with_values(np.zeros(len(imports))), zone)


def import_prices(tariff: Tariff, span: TimeRange, zone: ZoneInfo) -> list[float]:
    return list(map(float, lower_tariff(tariff, span, HOUR, zone).import_price_per_kwh))


@pytest.mark.parametrize(
    ("zone", "day", "hours", "total"),
    [
        (LOS_ANGELES, date(2024, 3, 9), 24, "6.30"),  # 5 h × 0.50 + 19 h × 0.20
        (LOS_ANGELES, date(2024, 3, 10), 23, "6.10"),  # 5 h × 0.50 + 18 h × 0.20
        (LOS_ANGELES, date(2024, 11, 3), 25, "6.50"),  # 5 h × 0.50 + 20 h × 0.20
        (LONDON, date(2024, 3, 31), 23, "6.10"),
        (LONDON, date(2024, 10, 27), 25, "6.50"),
    ],
)
def test_the_evening_peak_has_five_hours_on_days_of_23_24_and_25_hours(
    zone: ZoneInfo, day: date, hours: int, total: str
) -> None:
    tariff = tou(0.50, 0.20, clock_ranges=(ClockRange.hours(16, 21),))
    answer = a_kwh_an_hour(tariff, local_day(day, zone), zone)
    assert answer.range.duration == hours * HOUR
    assert str(answer.total.amount) == total


def test_the_evening_peak_moves_by_an_hour_of_utc_with_the_clock() -> None:
    tariff = tou(0.50, 0.20, clock_ranges=(ClockRange.hours(16, 21),))
    for day, first in ((date(2024, 3, 9), 24), (date(2024, 3, 10), 23)):
        utc_day = datetime(day.year, day.month, day.day, tzinfo=UTC)
        hour = TimeRange.of(utc_day + first * HOUR, HOUR)
        assert import_prices(tariff, hour, LOS_ANGELES) == [0.50]
        before = TimeRange.of(hour.start - HOUR, HOUR)
        assert import_prices(tariff, before, LOS_ANGELES) == [0.20]


def test_the_skipped_hour_costs_nothing_and_the_repeated_hour_costs_twice() -> None:
    skipped = tou(1.0, 0.0, clock_ranges=(ClockRange.hours(2, 3),))
    assert sum(import_prices(skipped, local_day(date(2024, 3, 10), LOS_ANGELES), LOS_ANGELES)) == 0
    repeated = tou(1.0, 0.0, clock_ranges=(ClockRange.hours(1, 2),))
    prices = import_prices(repeated, local_day(date(2024, 11, 3), LOS_ANGELES), LOS_ANGELES)
    assert prices == [0, 1, 1] + [0] * 22
    assert sum(import_prices(repeated, local_day(date(2024, 10, 27), LONDON), LONDON)) == 2


def test_a_day_charge_is_the_same_for_23_and_25_hours_and_accrues_evenly() -> None:
    tariff = Tariff(
        id=TariffId("t"),
        currency_code="USD",
        fixed_charges=(FixedCharge(name="standing", amount=0.46),),
    )
    short = local_day(date(2024, 3, 10), LOS_ANGELES)
    for day in (short, local_day(date(2024, 11, 3), LOS_ANGELES)):
        assert str(a_kwh_an_hour(tariff, day, LOS_ANGELES).total.amount) == "0.46"
    ten_hours = TimeRange.of(short.start, 10 * HOUR)
    assert str(a_kwh_an_hour(tariff, ten_hours, LOS_ANGELES).total.amount) == "0.20"


def test_a_month_charge_accrues_over_the_hours_of_the_local_month() -> None:
    charge = FixedCharge(name="meter", amount=74.3, interval=ChargeInterval.BILLING_PERIOD)
    tariff = Tariff(id=TariffId("t"), currency_code="USD", fixed_charges=(charge,))
    # March 2024 has 743 hours in Los Angeles: 0.10 an hour.
    day = local_day(date(2024, 3, 10), LOS_ANGELES)
    assert str(a_kwh_an_hour(tariff, day, LOS_ANGELES).total.amount) == "2.30"


def test_holidays_are_neither_weekdays_nor_their_day_of_the_week() -> None:
    tariff = tou(0.50, 0.20, days=WEEKDAYS)
    tariff = Tariff(
        id=tariff.id,
        currency_code="USD",
        import_rates=tariff.import_rates,
        holidays=frozenset({date(2024, 7, 4)}),
    )
    days = [local_day(date(2024, 7, number), LOS_ANGELES) for number in (3, 4, 5, 6)]
    firsts = [import_prices(tariff, day, LOS_ANGELES)[0] for day in days]
    assert firsts == [0.50, 0.20, 0.50, 0.20]
    weekend = tou(0.50, 0.20, days=WEEKENDS)
    assert import_prices(weekend, days[3], LOS_ANGELES) == [0.50] * 24


def test_a_season_wraps_around_the_turn_of_the_year_in_local_dates() -> None:
    winter = tou(0.50, 0.20, seasons=(Season(start_month=11, end_month=4, end_day=30),))
    by_day = {
        day: set(import_prices(winter, local_day(day, LOS_ANGELES), LOS_ANGELES))
        for day in (date(2024, 10, 31), date(2024, 11, 1), date(2025, 4, 30), date(2025, 5, 1))
    }
    assert [prices.pop() for prices in by_day.values()] == [0.20, 0.50, 0.50, 0.20]


def test_a_range_over_midnight_belongs_to_the_date_it_is_in() -> None:
    # Friday night, 22:00 to 06:00, weekdays only: the hours after midnight are Saturday's.
    night = tou(0.10, 0.30, days=WEEKDAYS, clock_ranges=(ClockRange.hours(22, 6),))
    friday = local_day(date(2024, 7, 5), LONDON)
    saturday = local_day(date(2024, 7, 6), LONDON)
    assert import_prices(night, friday, LONDON) == [0.10] * 6 + [0.30] * 16 + [0.10] * 2
    assert import_prices(night, saturday, LONDON) == [0.30] * 24


def test_an_hour_that_straddles_a_boundary_costs_the_mean_by_time() -> None:
    half_past = tou(0.50, 0.20, clock_ranges=(ClockRange.hours(8.5, 12),))
    day = local_day(date(2024, 7, 3), LONDON)
    assert import_prices(half_past, day, LONDON)[7:10] == pytest.approx([0.20, 0.35, 0.50])
    # Indian hours begin at half past the UTC hour.
    on_hour = tou(0.50, 0.20, clock_ranges=(ClockRange.hours(8, 12),))
    utc_hours = TimeRange.of(datetime(2024, 7, 3, 1, tzinfo=UTC), 3 * HOUR)
    assert import_prices(on_hour, utc_hours, KOLKATA) == pytest.approx([0.20, 0.35, 0.50])


def test_billing_periods_start_at_local_midnight() -> None:
    span = TimeRange(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 20, tzinfo=UTC))
    periods = billing_periods(BillingCycle(start_day=15), span, LOS_ANGELES)
    assert [period.start.astimezone(LOS_ANGELES).date() for period in periods] == [
        date(2024, 2, 15), date(2024, 3, 15),
    ]  # fmt: skip
    assert periods[0].duration == 29 * 24 * HOUR - HOUR
    quarters = billing_periods(BillingCycle(months=3), span, LONDON)
    assert [str(quarter) for quarter in quarters] == [
        "2024-01-01T00:00:00+00:00/2024-03-31T23:00:00+00:00"
    ]


def test_a_cycle_of_the_31st_begins_on_the_last_day_of_shorter_months_and_leaves_none_out() -> None:
    """The hour of the change is in March's period, and a leap day in February's."""
    span = TimeRange(datetime(2024, 1, 31, 8, tzinfo=UTC), datetime(2024, 5, 31, tzinfo=UTC))
    periods = billing_periods(BillingCycle(start_day=31), span, LOS_ANGELES)
    assert [period.start.astimezone(LOS_ANGELES).date() for period in periods] == [
        *(date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)),
    ]
    assert all(one.end == after.start for one, after in pairwise(periods))
    assert [period.duration // HOUR for period in periods] == [29 * 24, 31 * 24 - 1, 720, 744]

    later = TimeRange(datetime(2024, 2, 29, 7, tzinfo=UTC), datetime(2024, 2, 29, 9, tzinfo=UTC))
    around = billing_periods(BillingCycle(start_day=31), later, LOS_ANGELES)
    assert around == periods[:2]
    common = local_day(date(2023, 2, 28), LOS_ANGELES)
    (of_2023,) = billing_periods(BillingCycle(start_day=30), common, LOS_ANGELES)
    assert of_2023.start == common.start


def test_a_ratchet_looks_back_over_periods_that_begin_on_different_days() -> None:
    cycle = BillingCycle(start_day=31)
    march = local_day(date(2024, 3, 31), LOS_ANGELES).start
    found = [
        earlier_period_start(ChargeInterval.BILLING_PERIOD, cycle, march, count, LOS_ANGELES)
        for count in (1, 2, 3)
    ]
    assert [each.astimezone(LOS_ANGELES).date() for each in found] == [
        *(date(2024, 2, 29), date(2024, 1, 31), date(2023, 12, 31)),
    ]


def test_averages_of_the_repeated_hour_are_kept_apart() -> None:
    charge = DemandCharge(id="any", price_per_kw=1.0, averaging=HOUR)
    tariff = Tariff(id=TariffId("t"), currency_code="USD", demand_charges=(charge,))
    day = local_day(date(2024, 11, 3), LOS_ANGELES)
    lowered = lower_tariff(tariff, day, timedelta(minutes=15), LOS_ANGELES)
    assert len(lowered.demands[0].block_starts_s) == 25
    assert set(np.bincount(lowered.demands[0].block_index).tolist()) == {4}


def test_a_span_asked_of_two_zones_again_and_again_has_the_clock_of_each() -> None:
    span, tariff = (
        local_day(date(2024, 7, 1), LONDON),
        tou(0.5, 0.2, clock_ranges=(ClockRange.hours(17, 21),)),
    )
    first = [import_prices(tariff, span, zone) for zone in (LONDON, LOS_ANGELES)]
    assert first[0].index(0.5) == 17
    assert first[1].index(0.5) == 1
    assert [import_prices(tariff, span, zone) for zone in (LONDON, LOS_ANGELES)] == first
