from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_usage.domain.departures import (
    RATIOS,
    DepartureQuantile,
    NewStay,
    PastStay,
    departure_quantiles,
)
from wattmesh_usage.domain.energies import required_energy_wh
from wattmesh_usage.domain.expectation import expectation

HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Europe/Berlin")
MORNING = datetime(2024, 5, 6, 6, tzinfo=UTC)


def past(
    vehicle: str, hours: float, *, days_ago: int, start: float = 0.0, declared: float | None = None
) -> PastStay:
    arrival = MORNING - timedelta(days=days_ago) + start * HOUR
    departure = arrival + hours * HOUR
    return PastStay(
        vehicle=vehicle,
        arrival_time=arrival,
        departure_time=departure,
        declared_time=None if declared is None else departure + declared * HOUR,
        energy_wh=8_000.0,
    )


def new(vehicle: str = "", *, declared: float | None = None) -> NewStay:
    return NewStay(
        vehicle=vehicle,
        arrival_time=MORNING,
        declared_time=None if declared is None else MORNING + declared * HOUR,
    )


def hours_at(ratio: float, quantiles: tuple[DepartureQuantile, ...]) -> float:
    (found,) = [each for each in quantiles if each.ratio == ratio]
    return (found.departure_time - MORNING) / HOUR


def test_without_any_stay_it_may_leave_within_the_hour_or_at_night() -> None:
    known = departure_quantiles(new(), [], ZONE)

    assert hours_at(0.05, known) < 1.0
    assert 2.0 < hours_at(0.5, known) < 8.0
    assert hours_at(0.98, known) > 10.0


def test_a_vehicle_is_expected_to_do_as_it_did_not_as_others_did() -> None:
    stays = [
        *(past("mine", 9.0 + each % 3 / 4, days_ago=each) for each in range(1, 15)),
        *(past("others", 2.0, days_ago=each) for each in range(1, 60)),
    ]

    assert hours_at(0.5, departure_quantiles(new("mine"), stays, ZONE)) > 8.5
    assert hours_at(0.5, departure_quantiles(new("guest"), stays, ZONE)) < 3.0


def test_who_keeps_to_a_time_of_day_is_expected_then_whenever_he_came() -> None:
    at_four = [past("mine", 10.0 - each, days_ago=each + 1, start=each) for each in range(4)] * 3

    known = departure_quantiles(new("mine"), at_four, ZONE)

    assert hours_at(0.5, known) == pytest.approx(10.0, abs=0.75)


def test_who_always_leaves_two_hours_before_he_says_is_expected_to_do_so_again() -> None:
    stays = [past("mine", 3.0 + each % 5, days_ago=each, declared=2.0) for each in range(1, 25)]

    assert hours_at(0.5, departure_quantiles(new("mine", declared=7.0), stays, ZONE)) < 6.0
    assert hours_at(0.5, departure_quantiles(new("mine", declared=9.0), stays, ZONE)) > 6.0


def test_what_is_declared_makes_early_departures_less_likely_and_none_impossible() -> None:
    declared = departure_quantiles(new(declared=8.0), [], ZONE)

    assert hours_at(0.05, declared) > hours_at(0.05, departure_quantiles(new(), [], ZONE))
    assert hours_at(0.001, declared) < 4.0


def test_a_time_of_day_is_that_of_the_site_through_a_change_of_clocks() -> None:
    """Work ends at five: on the Monday after the clocks went forward an hour of UTC earlier."""
    after = datetime(2024, 4, 1, 6, tzinfo=UTC)
    stays = []
    for days in range(3, 28):
        day = after - timedelta(days=days)
        came = day.replace(hour=6 + days % 3)
        stays.append(
            PastStay(vehicle="mine", arrival_time=came, departure_time=day.replace(hour=16))
        )
    quantiles = departure_quantiles(NewStay(vehicle="mine", arrival_time=after), stays, ZONE)

    (median,) = [each for each in quantiles if each.ratio == 0.5]
    assert abs(median.departure_time - after.replace(hour=15)) < HOUR / 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.floats(0.0, 60.0), st.integers(1, 400)),
        max_size=12,
    ),
    st.sampled_from(["a", "c", ""]),
    st.none() | st.floats(0.1, 40.0),
)
def test_every_distribution_rises_from_the_arrival_on(
    stays: list[tuple[str, float, int]], vehicle: str, declared: float | None
) -> None:
    known = [past(name, hours, days_ago=days, declared=0.5) for name, hours, days in stays]
    quantiles = departure_quantiles(new(vehicle, declared=declared), known, ZONE)

    times = [each.departure_time for each in quantiles]
    assert [each.ratio for each in quantiles] == list(RATIOS)
    assert times == sorted(times)
    assert times[0] > MORNING


def test_nine_of_ten_sessions_needed_no_more_than_is_expected() -> None:
    known = [past("mine", 8.0, days_ago=each) for each in range(1, 9)]

    found = expectation(new("mine"), known, ZONE)

    assert found.required_energy_wh == 8_000.0
    assert found.reason == "8 sessions of the vehicle"
    assert expectation(new("mine"), [], ZONE).reason == "what is usual"


def test_a_vehicle_that_nobody_knows_is_taken_to_need_much_not_little() -> None:
    """10 kWh were assumed once: of 80 kWh that three vehicles wanted, 24 were missed."""
    assert required_energy_wh("", []) == 50_000.0
    known = [past("others", 8.0, days_ago=each) for each in range(1, 9)]
    assert required_energy_wh("guest", known) == 8_000.0
    assert required_energy_wh("guest", known[:1]) == 25_000.0


def test_one_that_takes_more_than_it_ever_did_is_asked_about_those_that_need_as_much() -> None:
    stays = [past("mine", 8.0, days_ago=each) for each in range(1, 9)]

    assert required_energy_wh("mine", stays, 7_000.0) == 8_000.0
    assert required_energy_wh("mine", stays, 8_100.0) == 50_000.0
    assert required_energy_wh("mine", stays, 60_000.0) == 75_000.0


@given(
    st.lists(st.floats(0.0, 100e3), max_size=40),
    st.none() | st.floats(0.0, 200e3),
)
def test_what_is_expected_is_never_less_than_what_was_taken(
    energies: list[float], charged: float | None
) -> None:
    stays = [
        replace(past("mine" if each % 2 else "other", 5.0, days_ago=each + 1), energy_wh=wh)
        for each, wh in enumerate(energies)
    ]
    assert required_energy_wh("mine", stays, charged) >= (charged or 0.0)
