from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    WEEKDAYS,
    BillingState,
    ChargeInterval,
    ClockRange,
    CoincidentPeakCharge,
    DemandCharge,
    DemandPeak,
    OpenAverage,
    Ratchet,
    Season,
    Tariff,
    Window,
    bill,
    evaluate,
    lower_tariff,
)
from wattmesh_kernel.time import TimeRange

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
# Midnight of Wednesday, July 3, in Berlin.
START = datetime(2024, 7, 2, 22, tzinfo=UTC)
JULY = datetime(2024, 6, 30, 22, tzinfo=UTC)
JUNE = datetime(2024, 5, 31, 22, tzinfo=UTC)


def tariff_of(*charges: DemandCharge) -> Tariff:
    return Tariff(id=TariffId("t"), currency_code="EUR", demand_charges=charges)


def charge(**changes: object) -> DemandCharge:
    return replace(DemandCharge(id="any", price_per_kw=10.0), **changes)  # type: ignore[arg-type]


def cost(
    tariff: Tariff,
    power_kw: list[float],
    *,
    start: datetime = START,
    resolution: timedelta = QUARTER,
    state: BillingState | None = None,
) -> float:
    hours = resolution / HOUR
    imports = Series(start, resolution, np.array(power_kw) * hours * 1000)
    exports = imports.with_values(np.zeros(len(imports)))
    return float(bill(tariff, imports, exports, BERLIN, state).total.amount)


def july_peak(kw: float, charge_id: str = "any") -> DemandPeak:
    return DemandPeak(charge_id=charge_id, period_start=JULY, peak_kw=kw)


def test_the_highest_quarter_hour_is_billed() -> None:
    assert cost(tariff_of(charge()), [1, 4, 2, 3]) == 40.0


def test_averages_are_clocked_not_rolling() -> None:
    # 8 kW over the turn of the half hour: means of 4 kW on each side.
    half_hours = tariff_of(charge(averaging=2 * QUARTER))
    assert cost(half_hours, [0, 8, 8, 0]) == 40.0


def test_only_what_exceeds_the_peak_so_far_costs() -> None:
    state = BillingState(as_of=START, demand_peaks=(july_peak(5.0),))
    assert cost(tariff_of(charge()), [1, 4, 2, 3], state=state) == 0.0
    assert cost(tariff_of(charge()), [1, 7, 2, 3], state=state) == 20.0


def test_the_peak_of_another_billing_period_is_no_floor() -> None:
    old = DemandPeak(charge_id="any", period_start=JUNE, peak_kw=5.0)
    assert cost(tariff_of(charge()), [4.0], state=BillingState(as_of=START, demand_peaks=(old,)))


def test_a_window_counts_only_averages_that_start_in_it() -> None:
    window = Window(days=WEEKDAYS, clock_ranges=(ClockRange.hours(8.5, 20),))
    power = [9.0] * 34 + [3.0] * 46 + [9.0] * 16  # 3 kW from 8:30 to 20:00
    assert cost(tariff_of(charge(window=window)), power) == 30.0
    saturday = START + timedelta(days=3)
    assert cost(tariff_of(charge(window=window)), power, start=saturday) == 0.0


def test_each_charge_has_its_own_window_and_price() -> None:
    peak = charge(
        id="peak", price_per_kw=2.0, window=Window(clock_ranges=(ClockRange.hours(0.25, 0.5),))
    )
    assert cost(tariff_of(charge(), peak), [6, 4, 1, 1]) == 60.0 + 8.0


def test_a_seasonal_charge_and_its_minimum_cost_nothing_out_of_season() -> None:
    winter = Window(seasons=(Season(start_month=11, end_month=2),))
    assert cost(tariff_of(charge(window=winter, minimum_kw=2.5)), [9.0] * 4) == 0.0


def test_the_minimum_is_due_once_in_a_billing_period() -> None:
    tariff = tariff_of(charge(minimum_kw=2.5))
    assert cost(tariff, [1.0] * 4) == 25.0
    state = BillingState(as_of=START, demand_peaks=(july_peak(1.0),))
    assert cost(tariff, [1.0] * 4, state=state) == 0.0
    assert cost(tariff, [3.0] * 4, state=state) == 5.0


def test_a_ratchet_bills_a_share_of_the_highest_earlier_peak() -> None:
    tariff = tariff_of(charge(ratchet=Ratchet(share_ratio=0.8, lookback=11)))
    june = DemandPeak(charge_id="any", period_start=JUNE, peak_kw=10.0)
    state = BillingState(as_of=START, demand_peaks=(june,))
    assert cost(tariff, [3.0] * 4, state=state) == 80.0
    assert cost(tariff, [9.0] * 4, state=state) == 90.0
    begun = BillingState(as_of=START, demand_peaks=(june, july_peak(3.0)))
    assert cost(tariff, [8.5] * 4, state=begun) == 5.0


def test_a_ratchet_forgets_and_sees_only_its_season() -> None:
    june = DemandPeak(charge_id="any", period_start=JUNE, peak_kw=10.0)
    state = BillingState(as_of=START, demand_peaks=(june,))
    winter = Ratchet(share_ratio=0.8, lookback=11, season=Season(start_month=11, end_month=2))
    assert cost(tariff_of(charge(ratchet=winter)), [3.0], state=state) == 30.0
    short = tariff_of(charge(ratchet=Ratchet(share_ratio=0.8, lookback=1)))
    august = datetime(2024, 7, 31, 22, tzinfo=UTC)
    assert cost(short, [3.0], start=august, state=state) == 30.0


def test_a_ratchet_links_periods_within_one_grid_and_the_state_keeps_what_it_needs() -> None:
    tariff = tariff_of(charge(ratchet=Ratchet(share_ratio=0.5, lookback=2)))
    end_of_july = datetime(2024, 7, 31, 21, tzinfo=UTC)
    imports = Series(end_of_july, HOUR, np.array([8000.0, 1000.0]))
    answer = bill(tariff, imports, imports.with_values([0.0, 0.0]), BERLIN)
    assert float(answer.total.amount) == 80.0 + 40.0
    assert [peak.peak_kw for peak in answer.state.demand_peaks] == [8.0, 1.0]
    later = Series(datetime(2024, 10, 15, tzinfo=UTC), HOUR, np.array([2000.0]))
    state = bill(tariff, later, later.with_values([0.0]), BERLIN, answer.state).state
    assert [peak.peak_kw for peak in state.demand_peaks] == [1.0, 2.0]


def test_an_average_in_the_making_goes_on_where_the_state_left_it() -> None:
    tariff = tariff_of(charge(averaging=HOUR))
    state = BillingState(
        as_of=START + 3 * QUARTER,
        open_averages=(OpenAverage(charge_id="any", start=START, energy_kwh=3.0),),
    )
    # 3 kWh in 45 min and 1 kWh in the last quarter: 4 kW.
    assert cost(tariff, [4.0], start=START + 3 * QUARTER, state=state) == 40.0


def test_an_average_that_goes_on_counts_with_what_it_has() -> None:
    tariff = tariff_of(charge(averaging=HOUR))
    lowered = lower_tariff(tariff, TimeRange.of(START, QUARTER), QUARTER, BERLIN)
    answer = evaluate(lowered, np.array([2.0]), np.array([0.0]))
    assert answer.total == 20.0
    assert answer.state.open_averages == (
        OpenAverage(charge_id="any", start=START, energy_kwh=2.0),
    )


def test_coarse_readings_stand_for_every_average_within() -> None:
    window = Window(clock_ranges=(ClockRange.hours(0.5, 1),))
    assert cost(tariff_of(charge(window=window)), [6.0, 1.0], resolution=HOUR) == 60.0


def test_readings_that_do_not_add_up_to_the_averages_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="do not add up"):
        cost(tariff_of(charge(averaging=2 * QUARTER)), [1.0], resolution=timedelta(minutes=20))
    with pytest.raises(InvalidArgument, match="do not add up"):
        cost(
            tariff_of(charge()),
            [1.0] * 6,
            start=START + timedelta(minutes=1),
            resolution=timedelta(minutes=5),
        )


def test_a_daily_demand_charge_starts_anew_each_local_day() -> None:
    tariff = tariff_of(charge(interval=ChargeInterval.DAY, price_per_kw=1.0))
    assert cost(tariff, [2.0] * 24 + [5.0] * 24, resolution=HOUR) == 7.0


def test_mean_power_over_an_announced_event_is_charged() -> None:
    event = TimeRange.of(START + 2 * QUARTER, 2 * QUARTER)
    peak = CoincidentPeakCharge(name="system peak", price_per_kw=10.0, events=(event,))
    tariff = Tariff(id=TariffId("t"), currency_code="EUR", coincident_peak_charges=(peak,))
    assert cost(tariff, [9, 9, 2, 4]) == 30.0
    # The hour's mean stands for the event's half hour.
    assert cost(tariff, [6.0], resolution=HOUR) == 60.0
