"""Who goes first, and how schedules take over from each other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_model import BATTERY_ID
from wattmesh_control.domain.proposal import Origin, Proposal, arbitrate, outranking
from wattmesh_control.domain.schedule import (
    DeviceSchedule,
    Setpoint,
    Takeover,
    take_over,
)
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def proposal(
    number: int = 0,
    start: float = 0,
    end: float = 1,
    value: float = 1000.0,
    priority: int = 10,
    owner: str = "planner",
) -> Proposal:
    return Proposal(
        number=number,
        origin=Origin.SCHEDULE,
        device=BATTERY_ID,
        kind=SetpointKind.ACTIVE_POWER_W,
        owner=owner,
        priority=priority,
        source="plans/p1",
        request_id="r1",
        span=TimeRange(T0 + start * HOUR, T0 + end * HOUR),
        value=value,
        accept_time=T0,
    )


def test_the_highest_priority_goes_first_whenever_it_came() -> None:
    high, low = proposal(1, priority=100), proposal(2)
    assert arbitrate([low, high], T0) is high


def test_among_equals_the_newest_goes_first() -> None:
    older, newer = proposal(1), proposal(2)
    assert arbitrate([newer, older], T0) is newer


def test_a_proposal_counts_only_within_its_range() -> None:
    over, now, later = (
        proposal(3, -1, 0, priority=100),
        proposal(1),
        proposal(4, 1, 2, priority=100),
    )
    assert arbitrate([over, now, later], T0) is now
    assert arbitrate([over, later], T0) is None


def test_an_equal_priority_does_not_outrank() -> None:
    asked = proposal(priority=100)
    assert outranking([proposal(1, priority=100)], asked, T0) is None
    safety = proposal(2, priority=1000)
    assert outranking([proposal(1), safety], asked, T0) is safety


@pytest.mark.parametrize(
    "bad",
    [
        {"priority": -1},
        {"priority": 1001},
        {"owner": ""},
        {"owner": "a\x00b"},
        {"value": float("nan")},
        {"start": 1, "end": 1},
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        proposal(**bad)  # type: ignore[arg-type]


def test_overlapping_setpoints_are_refused() -> None:
    def setpoint(start: float, end: float) -> Setpoint:
        return Setpoint(span=TimeRange(T0 + start * HOUR, T0 + end * HOUR), value=1.0)

    kind = SetpointKind.ACTIVE_POWER_W
    DeviceSchedule(device=BATTERY_ID, kind=kind, setpoints=(setpoint(0, 1), setpoint(1, 2)))
    with pytest.raises(InvalidArgument):
        DeviceSchedule(device=BATTERY_ID, kind=kind, setpoints=(setpoint(0, 1), setpoint(0.5, 2)))


def taking_over(standing: list[Proposal], wanted: list[Proposal], turn: float) -> Takeover:
    running = [each for each in standing if each.span.contains(T0)]
    return take_over(standing[0].slot, "planner", running, wanted, turn=T0 + turn * HOUR, now=T0)


def test_a_plan_made_ahead_leaves_the_running_setpoint_alone() -> None:
    standing = [proposal(1, -0.5, 0.5), proposal(2, 0.5, 1.5), proposal(3, 1.5, 2.5)]
    wanted = [proposal(0, 0.5, 1.5, 5.0)]
    takeover = taking_over(standing, wanted, turn=0.5)
    assert [takeover.leaves(each) for each in standing] == [standing[0], None, None]
    assert takeover.added == (wanted[0],)


def test_a_new_value_for_the_running_interval_takes_over_now() -> None:
    standing, wanted = [proposal(1, -0.5, 0.5)], [proposal(0, -0.5, 0.5, 5.0)]
    takeover = taking_over(standing, wanted, turn=0)
    assert takeover.leaves(standing[0]) == proposal(1, -0.5, 0)
    assert takeover.added == (wanted[0],)


def test_the_running_setpoint_goes_on_when_it_is_wanted_again() -> None:
    standing = [proposal(1, -0.5, 0.5), proposal(2, 0.5, 1.5)]
    wanted = [proposal(0, -0.5, 0.5), proposal(0, 0.5, 1.5)]
    takeover = taking_over(standing, wanted, turn=0)
    assert [takeover.leaves(each) for each in standing] == [standing[0], None]
    assert takeover.added == (wanted[1],)


def test_the_same_current_in_other_conductors_is_another_setpoint() -> None:
    """Another vehicle came: what its current is in power is another."""
    old = replace(proposal(1, 0, 1, value=16.0), kind=SetpointKind.CURRENT_A)
    new = replace(old, number=2, phase=Phase.L2)
    slot = old.slot
    assert take_over(slot, "planner", [old], [new], turn=T0, now=T0).added == (new,)


def test_an_empty_schedule_withdraws_everything_from_now_on() -> None:
    standing = [proposal(1, -0.5, 0.5), proposal(2, 0.5, 1)]
    takeover = taking_over(standing, [], turn=0)
    assert [takeover.leaves(each) for each in standing] == [proposal(1, -0.5, 0), None]
    assert takeover.added == ()


def test_a_schedule_leaves_other_owners_and_overrides_alone() -> None:
    other = proposal(1, owner="somebody")
    override = replace(proposal(2), origin=Origin.OVERRIDE)
    takeover = taking_over([other, override], [], turn=0)
    assert [takeover.leaves(each) for each in (other, override)] == [other, override]


def test_lists_speak_of_one_device_of_a_site_or_of_all() -> None:
    assert DeviceFilter.parse("sites/-/devices/-").admits(BATTERY_ID)
    assert DeviceFilter.parse("sites/home-1/devices/-").admits(BATTERY_ID)
    assert not DeviceFilter.parse("sites/home-2/devices/-").admits(BATTERY_ID)
    assert not DeviceFilter.parse("sites/home-1/devices/meter").admits(BATTERY_ID)
    with pytest.raises(InvalidArgument):
        DeviceFilter.parse("sites/-/devices/battery")
