"""Who follows a loop's target, until when, and what a mean keeps over a new policy."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.loop_site import (
    SECOND,
    START,
    battery,
    charger,
    inverter,
    plant,
    policy,
    shows,
    slots,
)
from wattmesh_gateway.domain.loop.averages import RunningMean
from wattmesh_gateway.domain.loop.state import LoopState
from wattmesh_kernel.loop_policy import LoopLimit, NetPower

HOUR = timedelta(hours=1)


def test_only_those_follow_a_target_that_are_not_for_limits_alone() -> None:
    made = policy(
        battery(),
        charger(limits_only=True),
        inverter(limits_only=True),
        target=NetPower(power_w=1000.0),
    )
    stored, vehicle, sun = slots(made)
    site = plant(made, lambda seconds: 3000.0)
    site.run(10)
    assert site.told_w()[stored] == pytest.approx(-2000.0, abs=60)
    assert vehicle not in site.told_w(), "a vehicle waits for no plan's exchange"
    assert sun not in site.told_w(), "and no sun is given up for it"


def test_a_limit_still_moves_who_has_no_part_in_the_target() -> None:
    made = policy(
        charger(limits_only=True),
        limits=[LoopLimit(id="connection", max_import_power_w=8000.0)],
        target=NetPower(power_w=20_000.0),
    )
    (vehicle,) = slots(made)
    site = plant(made, lambda seconds: 0.0)
    site.tell(vehicle, 11_040.0)
    site.run(10)
    assert site.told_w()[vehicle] <= 8000.0


def test_a_target_that_is_over_is_followed_no_longer() -> None:
    made = replace(
        policy(battery(), target=NetPower(power_w=0.0)), target_expire=START + 10 * SECOND
    )
    (slot,) = slots(made)
    site = plant(made, lambda seconds: 2000.0)
    site.run(9)
    assert site.told_w()[slot] == pytest.approx(-2000.0, abs=60)
    site.run(9)
    assert site.verdict is not None
    assert slot not in site.verdict.wishes, "it is left alone"


def test_a_mean_counts_on_when_a_newer_plan_moves_its_limit() -> None:
    peak = LoopLimit(id="the plan's peak", max_import_power_w=4000.0, averaging_interval=HOUR)
    before = LoopState(policy(battery(), limits=[peak]), START)
    for minute in range(31):
        moment = START + timedelta(minutes=minute)
        before.hear(shows(2000.0, moment), moment)
        before.decide(moment, {}, ())
    half = START + timedelta(minutes=30)
    moved = replace(peak, max_import_power_w=5000.0)
    after = before.renewed(policy(battery(), limits=[moved]))
    after.hear(shows(7500.0, half + SECOND), half + SECOND)
    verdict = after.decide(half + SECOND, {}, ())
    assert not verdict.limiting, "5 kW for the hour leave 8 kW for its second half"
    mean = RunningMean(5000.0, HOUR, SECOND)
    mean.take_over(RunningMean(4000.0, 2 * HOUR, SECOND))
    assert mean.allowed_w(half) == 5000.0, "another interval's mean says nothing"
