"""Days that cost too much, peaks about to be set, budgets, comfort and drift."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_alerting.domain.carbon_budget import budget_use
from wattmesh_alerting.domain.comfort import discomfort
from wattmesh_alerting.domain.day_cost import DayCost, day_cost
from wattmesh_alerting.domain.latch import Latch
from wattmesh_alerting.domain.peaks import PeakAhead, peaks_ahead, peaks_so_far
from wattmesh_alerting.domain.skill import Skill
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import ComfortBand, CopPoint, HeatPumpRating, HvacZoneRating
from wattmesh_kernel.tariff import ChargeInterval, DemandCharge, Ratchet, Tariff
from wattmesh_kernel.time import TimeRange

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOON = datetime(2024, 5, 22, 10, tzinfo=UTC)
"""A Wednesday, 12 o'clock in Berlin."""


def costs(per_hour: float = 1.0, today: float = 1.0, **days: float) -> Series:
    """Four weeks of hours until noon, each day of one price; `d-2024-05-15=…` of single ones."""
    start = NOON - timedelta(days=28)
    local = [(start + n * HOUR).astimezone(BERLIN) for n in range(28 * 24)]
    values = [
        today
        if each.date() == NOON.date()
        else days.get(f"d{each:%m%d}", 0.2 if each.weekday() >= 5 else per_hour)
        for each in local
    ]
    return Series(start, HOUR, np.array(values))


def judged(series: Series, now: datetime = NOON) -> DayCost | None:
    return day_cost(series, now, BERLIN)


def test_a_day_is_held_against_days_of_its_type_until_the_same_hour() -> None:
    found = judged(costs(today=1.6))
    assert found is not None
    assert found.cost == pytest.approx(12 * 1.6)
    assert found.usual == pytest.approx(12.0), "weekends, which cost a fifth, do not count"
    assert found.excess > found.margin
    usual = judged(costs(today=1.2))
    assert usual is not None
    assert usual.excess < usual.margin, "a fifth more is within what days differ by"


def test_days_that_differ_much_allow_for_more() -> None:
    wild = {f"d05{day:02d}": 0.4 + 0.15 * (day % 5) for day in range(1, 22)}
    found = judged(costs(today=1.3, **wild))
    assert found is not None
    assert found.margin > 0.25 * found.usual
    assert found.excess < found.margin


def test_what_was_not_metered_is_left_out_on_both_sides() -> None:
    values = costs(today=1.0).values.copy()
    values[-4:] = np.nan
    found = judged(costs().with_values(values))
    assert found is not None
    assert found.cost == pytest.approx(8.0)
    assert found.usual == pytest.approx(8.0)


def test_nothing_is_said_too_early_or_of_a_site_that_is_new() -> None:
    assert judged(costs(), NOON - 10 * HOUR) is None
    young = costs().window(TimeRange(NOON - timedelta(days=3), NOON))
    assert judged(young) is None


CHARGE = DemandCharge(id="peak", price_per_kw=8.0, name="Peak demand")
TARIFF = Tariff(id=TariffId("t"), currency_code="EUR", demand_charges=(CHARGE,))
QUARTER = datetime(2024, 5, 22, 10, 15, tzinfo=UTC)


def ahead(
    minutes_w: list[float],
    tariff: Tariff = TARIFF,
    past_kw: float = 4.0,
    at: datetime = QUARTER,
) -> PeakAhead | None:
    """Give the peak ahead after minutes of these powers [W], with an even past of 40 days."""
    past = Series(at - timedelta(days=40), timedelta(minutes=15), np.full(40 * 96, past_kw * 250.0))
    so_far = peaks_so_far(tariff, past, BERLIN)
    minutes = Series(at, MINUTE, np.array(minutes_w) / 60)
    now = at + len(minutes_w) * MINUTE
    found = peaks_ahead(tariff, so_far, minutes, now, BERLIN)
    return found[0] if found else None


def test_a_running_average_goes_on_as_in_its_last_minutes_and_costs_what_it_adds() -> None:
    found = ahead([2_000.0] * 2 + [8_000.0] * 3)
    assert found is not None
    assert found.expected_kw == pytest.approx((2 * 2 + 13 * 8) / 15)
    assert found.highest_kw == pytest.approx(4.0)
    assert found.cost == pytest.approx(8.0 * (108 / 15 - 4))
    assert found.end == QUARTER + 15 * MINUTE


def test_minutes_that_are_not_known_yet_are_none_of_it() -> None:
    assert ahead([8_000.0, 8_000.0]) is None
    assert ahead([8_000.0, 8_000.0, np.nan]) is None
    found = ahead([8_000.0] * 4 + [np.nan])
    assert found is not None
    assert found.expected_kw == pytest.approx(8.0)


def test_longer_averages_take_what_was_metered_of_them_already() -> None:
    hourly = replace(TARIFF, demand_charges=(replace(CHARGE, averaging=HOUR),))
    found = ahead([12_000.0] * 5, hourly)
    assert found is not None
    assert found.expected_kw == pytest.approx((4 + 3 * 12) / 4), "the first quarter had 4 kW"
    assert found.end == datetime(2024, 5, 22, 11, tzinfo=UTC)


def test_what_is_billed_anyhow_is_no_new_peak() -> None:
    least = replace(TARIFF, demand_charges=(replace(CHARGE, minimum_kw=9.0),))
    found = ahead([8_000.0] * 4, least)
    assert found is not None
    assert (found.highest_kw, found.cost) == (9.0, 0.0)
    ratchet = Ratchet(share_ratio=0.9, lookback=1)
    left = replace(TARIFF, demand_charges=(replace(CHARGE, ratchet=ratchet),))
    first = datetime(2024, 5, 20, 22, tzinfo=UTC)
    found = ahead([3_800.0] * 4, left, at=first)
    assert found is not None
    assert found.highest_kw == pytest.approx(4.0)


def test_the_first_hours_of_a_month_are_held_against_the_end_of_the_one_before() -> None:
    first = datetime(2024, 4, 30, 22, tzinfo=UTC)
    found = ahead([3_000.0] * 4, at=first)
    assert found is not None
    assert found.highest_kw == pytest.approx(4.0), "else every first hour would be a record"
    daily = replace(TARIFF, demand_charges=(replace(CHARGE, interval=ChargeInterval.DAY),))
    found = ahead([3_000.0] * 4, daily, at=first + 12 * HOUR)
    assert found is not None
    assert found.highest_kw == pytest.approx(4.0)


MONTH = TimeRange(datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC))


def test_a_budget_strains_when_nine_tenths_are_used_or_the_month_is_on_its_way_beyond() -> None:
    tenth = MONTH.start + timedelta(days=10)
    over = budget_use(60_000.0, 100_000.0, MONTH, tenth)
    assert over.expected_gco2e == pytest.approx(180_000.0)
    assert over.strain == pytest.approx(1.8)
    assert over.time_left is not None
    assert over.time_left / timedelta(days=1) == pytest.approx(20 / 3)
    assert budget_use(30_000.0, 100_000.0, MONTH, tenth).strain < 1
    assert budget_use(91_000.0, 100_000.0, MONTH, MONTH.end - HOUR).strain >= 1
    early = budget_use(10_000.0, 100_000.0, MONTH, MONTH.start + HOUR)
    assert (early.expected_gco2e, early.time_left) == (None, None)
    assert budget_use(1.0, 0.0, MONTH, tenth).strain == 1


PUMP = HeatPumpRating(
    max_power_w=2_000.0, cop_points=(CopPoint(outdoor_temperature_celsius=7.0, cop_ratio=3.0),)
)
BAND = ComfortBand(min_temperature_celsius=20.0, max_temperature_celsius=24.0)


@pytest.mark.parametrize(
    ("rating", "celsius", "outside_k", "edge"),
    [
        (HvacZoneRating(occupied_band=BAND, heating=PUMP), 18.5, 1.5, 20.0),
        (HvacZoneRating(occupied_band=BAND, heating=PUMP), 29.0, -9.0, 20.0),
        (HvacZoneRating(occupied_band=BAND, cooling=PUMP), 29.0, 5.0, 24.0),
        (HvacZoneRating(occupied_band=BAND, heating=PUMP, cooling=PUMP), 25.0, 1.0, 24.0),
        (HvacZoneRating(occupied_band=BAND), 22.0, -2.0, 20.0),
    ],
)
def test_a_zone_is_uncomfortable_where_its_machine_could_help(
    rating: HvacZoneRating, celsius: float, outside_k: float, edge: float
) -> None:
    found = discomfort(celsius, BAND, rating)
    assert found.outside_k == pytest.approx(outside_k)
    assert found.edge_celsius == edge


def test_drift_is_a_fifth_worse_than_promised_and_at_latest_worse_than_naive() -> None:
    promised = Skill(error_ratio=0.2, naive_ratio=0.2, compared=500, promised_ratio=0.5)
    assert promised.relative == 1.0
    assert promised.bearable == pytest.approx(0.6)
    assert replace(promised, promised_ratio=0.95).bearable == 1.0
    assert replace(promised, promised_ratio=None).bearable == 1.0
    assert replace(promised, naive_ratio=0.0).relative == 0.0


def test_what_has_begun_does_not_end_at_the_same_value() -> None:
    latch = Latch()
    values = [99.0, 100.0, 96.0, 94.0, 96.0, 101.0]
    held = [latch.holds("x", each, begins=100.0, ends=95.0) for each in values]
    assert held == [False, True, True, False, False, True]
    assert not latch.holds("y", 96.0, begins=100.0, ends=95.0)
