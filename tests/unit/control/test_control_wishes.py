"""Who goes first, and how schedules take over from each other."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_model import BATTERY_ID
from wattmesh_control.domain.schedule import (
    DeviceSchedule,
    Replacement,
    Setpoint,
    replace_schedule,
)
from wattmesh_control.domain.setpoint import DeviceFilter, SetpointKind
from wattmesh_control.domain.wish import Origin, Wish, arbitrate, outranking
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def wish(
    number: int = 0,
    start: float = 0,
    end: float = 1,
    value: float = 1000.0,
    priority: int = 10,
    owner: str = "planner",
) -> Wish:
    return Wish(
        number=number,
        origin=Origin.SCHEDULE,
        device=BATTERY_ID,
        kind=SetpointKind.ACTIVE_POWER,
        owner=owner,
        priority=priority,
        source="plans/p1",
        request_id="r1",
        span=TimeRange(T0 + start * HOUR, T0 + end * HOUR),
        value=value,
        accept_time=T0,
    )


def test_the_highest_priority_goes_first_whenever_it_came() -> None:
    high, low = wish(1, priority=100), wish(2)
    assert arbitrate([low, high], T0) is high


def test_among_equals_the_newest_goes_first() -> None:
    older, newer = wish(1), wish(2)
    assert arbitrate([newer, older], T0) is newer


def test_a_wish_counts_only_within_its_range() -> None:
    over, now, later = wish(3, -1, 0, priority=100), wish(1), wish(4, 1, 2, priority=100)
    assert arbitrate([over, now, later], T0) is now
    assert arbitrate([over, later], T0) is None


def test_an_equal_priority_does_not_outrank() -> None:
    asked = wish(priority=100)
    assert outranking([wish(1, priority=100)], asked, T0) is None
    safety = wish(2, priority=1000)
    assert outranking([wish(1), safety], asked, T0) is safety


@pytest.mark.parametrize(
    "bad",
    [
        {"priority": -1},
        {"priority": 1001},
        {"owner": ""},
        {"value": float("nan")},
        {"start": 1, "end": 1},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        wish(**bad)  # type: ignore[arg-type]


def test_overlapping_setpoints_are_refused() -> None:
    def setpoint(start: float, end: float) -> Setpoint:
        return Setpoint(span=TimeRange(T0 + start * HOUR, T0 + end * HOUR), value=1.0)

    kind = SetpointKind.ACTIVE_POWER
    DeviceSchedule(device=BATTERY_ID, kind=kind, setpoints=(setpoint(0, 1), setpoint(1, 2)))
    with pytest.raises(InvalidArgument):
        DeviceSchedule(device=BATTERY_ID, kind=kind, setpoints=(setpoint(0, 1), setpoint(0.5, 2)))


def test_a_plan_made_ahead_leaves_the_running_setpoint_alone() -> None:
    standing = [wish(1, -0.5, 0.5), wish(2, 0.5, 1.5), wish(3, 1.5, 2.5)]
    wanted = [wish(0, 0.5, 1.5, 5.0)]
    change = replace_schedule(standing, wanted, turn=T0 + 0.5 * HOUR, now=T0)
    assert change == Replacement(removed=(2, 3), cut=(), added=(wanted[0],))


def test_a_new_value_for_the_running_interval_takes_over_now() -> None:
    standing, wanted = [wish(1, -0.5, 0.5)], [wish(0, -0.5, 0.5, 5.0)]
    change = replace_schedule(standing, wanted, turn=T0, now=T0)
    assert change == Replacement(removed=(), cut=((1, T0),), added=(wanted[0],))


def test_the_running_setpoint_goes_on_when_it_is_wanted_again() -> None:
    standing = [wish(1, -0.5, 0.5), wish(2, 0.5, 1.5)]
    wanted = [wish(0, -0.5, 0.5), wish(0, 0.5, 1.5)]
    change = replace_schedule(standing, wanted, turn=T0, now=T0)
    assert change == Replacement(removed=(2,), cut=(), added=(wanted[1],))


def test_an_empty_schedule_withdraws_everything_from_now_on() -> None:
    change = replace_schedule([wish(1, -0.5, 0.5), wish(2, 0.5, 1)], [], turn=T0, now=T0)
    assert change == Replacement(removed=(2,), cut=((1, T0),), added=())


def test_lists_speak_of_one_device_of_a_site_or_of_all() -> None:
    assert DeviceFilter.parse("sites/-/devices/-").admits(BATTERY_ID)
    assert DeviceFilter.parse("sites/home-1/devices/-").admits(BATTERY_ID)
    assert not DeviceFilter.parse("sites/home-2/devices/-").admits(BATTERY_ID)
    assert not DeviceFilter.parse("sites/home-1/devices/meter").admits(BATTERY_ID)
    with pytest.raises(InvalidArgument):
        DeviceFilter.parse("sites/-/devices/battery")
