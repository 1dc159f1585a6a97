"""What a loop decides: limits kept, targets followed, and nothing corrected twice."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.loop_site import (
    METER,
    SECOND,
    START,
    battery,
    charger,
    device,
    inverter,
    plant,
    policy,
    shows,
    slots,
)
from wattmesh_gateway.domain.loop.averages import RunningMean
from wattmesh_gateway.domain.loop.sharing import Taker, share_out
from wattmesh_gateway.domain.loop.state import LoopState
from wattmesh_gateway.domain.loop.verdict import Condition
from wattmesh_kernel.loop_policy import LoopLimit, NetPower, SharedPower
from wattmesh_kernel.sites import Phase

CONNECTION = LoopLimit(id="connection", max_import_power_w=8000.0, max_export_power_w=4000.0)


@pytest.mark.parametrize("delay_ms", [0, 100, 500, 1000, 1900])
@pytest.mark.parametrize("interval_ms", [200, 1000])
def test_a_step_is_followed_without_overshoot_whatever_the_delay(
    delay_ms: int, interval_ms: int
) -> None:
    made = policy(battery(), target=NetPower(power_w=0.0), dead_band_w=0.0)
    site = plant(
        made,
        lambda seconds: 3000.0 if seconds >= 5 else 0.0,
        delay=timedelta(milliseconds=delay_ms),
        meter_interval=timedelta(milliseconds=interval_ms),
    )
    site.run(20)
    assert min(site.since(5)) >= -0.05 * 3000
    assert max(map(abs, site.since(5 + 2.5 + interval_ms / 1000))) <= 0.05 * 3000
    assert site.writes == 1


@given(
    delay_ms=st.integers(0, 1900),
    meter_delay_ms=st.integers(0, 500),
    interval_ms=st.sampled_from([100, 200, 500, 1000, 2000]),
    step_w=st.floats(500, 4500),
    follows=st.floats(0.5, 1.0),
)
@settings(max_examples=20, deadline=None)
def test_no_step_is_overshot_by_more_than_a_twentieth(
    delay_ms: int, meter_delay_ms: int, interval_ms: int, step_w: float, follows: float
) -> None:
    """A member that does less than it was told is found out and made up for, without hunting."""
    made = policy(battery(power_w=10_000), target=NetPower(power_w=0.0), dead_band_w=20.0)
    site = plant(
        made,
        lambda seconds: step_w if seconds >= 5 else 0.0,
        delay=timedelta(milliseconds=delay_ms),
        meter_delay=timedelta(milliseconds=meter_delay_ms),
        meter_interval=timedelta(milliseconds=interval_ms),
    )
    site.follows = {slots(made)[0]: follows}
    site.run(30)
    assert min(site.since(5)) >= -0.05 * step_w
    assert max(map(abs, site.since(28))) <= max(0.05 * step_w, 25.0)


def test_a_load_that_flickers_within_the_dead_band_moves_nothing() -> None:
    made = policy(battery(), target=NetPower(power_w=0.0), dead_band_w=100.0)
    site = plant(made, lambda seconds: 2000.0 + (80.0 if int(seconds) % 2 else 0.0))
    site.run(60)
    assert site.writes == 1


def test_an_import_limit_moves_a_battery_only_as_far_as_it_must_and_gives_back() -> None:
    made = policy(battery(), limits=[CONNECTION])
    site = plant(made, lambda seconds: 10_000.0 if 10 <= seconds < 30 else 3000.0)
    (slot,) = slots(made)
    site.asked = {slot: 2000.0}
    site.run(8)
    assert site.told_w() == {slot: 2000.0}
    site.run(12)
    assert max(site.since(14)) <= 8000.0
    assert site.told_w()[slot] == pytest.approx(-2050.0, abs=100)
    assert site.verdict is not None
    assert site.verdict.wishes[slot].why == "the loop keeps connection"
    site.run(20)
    assert site.told_w() == {slot: 2000.0}
    assert site.verdict.wishes[slot].why == ""


def test_an_export_limit_charges_before_it_curtails() -> None:
    made = policy(battery(power_w=2000.0), inverter(), limits=[CONNECTION])
    stored, sun = slots(made)
    site = plant(made, lambda seconds: 0.0)
    site.tell(sun, -10_000.0)  # it gives out all that it may
    site.run(20)
    assert min(site.since(8)) >= -4000.0
    assert site.told_w()[stored] == 2000.0
    assert site.told_w()[sun] == pytest.approx(-5950.0, abs=60)


def test_a_limit_of_a_conductor_moves_who_hangs_on_it() -> None:
    limit = LoopLimit(id="L1", phase=Phase.L1, max_import_power_w=4000.0)
    made = policy(
        charger("one", Phase.L1), charger("two", Phase.L2), limits=[limit], dead_band_w=0.0
    )
    one, two = slots(made)
    state = LoopState(made, START)
    now = START + 5 * SECOND
    for quantity, power_w in (("l1", 5000.0), ("l2", 9000.0), ("l3", 0.0)):
        state.hear(shows(power_w, now, quantity=f"active_power_{quantity}_w"), now)
    wishes = state.decide(now, {}, ()).wishes
    assert wishes[one].power_w == pytest.approx(16 * 230 - 1000)
    assert two not in wishes


def test_a_peak_limit_holds_the_mean_of_the_interval() -> None:
    quarter = timedelta(minutes=15)
    limit = LoopLimit(id="peak", max_import_power_w=4000.0, averaging_interval=quarter)
    made = policy(battery(power_w=8000.0), limits=[limit], dead_band_w=0.0)
    site = plant(made, lambda seconds: 1000.0 if seconds < 600 else 9000.0)
    site.run(900, step=SECOND)
    assert sum(site.since(0)) / len(site.since(0)) <= 4000.0
    assert max(site.since(600)) > 8000.0  # what was saved before may be used


def test_a_running_mean_lets_half_of_an_hour_make_up_for_the_other() -> None:
    mean = RunningMean(4000.0, timedelta(hours=1), SECOND)
    mean.hear(2000.0, START)
    assert mean.allowed_w(START + timedelta(minutes=30)) == pytest.approx(6000.0)


def test_what_was_not_seen_of_an_interval_counts_as_used() -> None:
    mean = RunningMean(4000.0, timedelta(hours=1), SECOND)
    mean.hear(4000.0, START + timedelta(minutes=30))
    assert mean.allowed_w(START + timedelta(minutes=45)) == pytest.approx(4000.0)


def test_a_ramp_bounds_the_way_to_the_target_but_not_away_from_an_overload() -> None:
    member = battery(max_ramp_w_per_second=100.0)
    made = policy(member, target=SharedPower(power_w=1000.0))
    site = plant(made, lambda seconds: 0.0)
    (slot,) = slots(made)
    site.run(5)
    assert 300.0 <= site.told_w()[slot] <= 510.0
    site.run(10)
    assert site.told_w()[slot] == pytest.approx(1000.0)
    made = policy(member, limits=[CONNECTION])
    site = plant(made, lambda seconds: 10_000.0)
    site.run(2)
    assert site.told_w()[slot] == pytest.approx(-2050.0, abs=1)


def test_a_command_goes_before_the_target_and_a_limit_before_both() -> None:
    made = policy(battery("one"), battery("two"), limits=[CONNECTION], target=NetPower(power_w=0.0))
    one, two = slots(made)
    site = plant(made, lambda seconds: 1000.0)
    site.asked = {one: 3000.0}
    site.run(10)
    assert site.told_w() == pytest.approx({one: 3000.0, two: -4000.0}, abs=60)


def test_a_charge_point_that_may_draw_more_than_it_does_is_cut_by_what_it_draws() -> None:
    made = policy(charger(), limits=[CONNECTION], dead_band_w=0.0)
    (slot,) = slots(made)
    state = LoopState(made, START)
    now = START + 5 * SECOND
    state.hear(shows(7000.0, now, device("charger")), now)
    state.hear(shows(9000.0, now), now)
    assert state.decide(now, {}, ()).wishes[slot].power_w == pytest.approx(6000.0)


class TestMeters:
    """Which word of which meter counts."""

    def test_no_meter_for_a_while_is_waited_for_and_then_an_overload(self) -> None:
        made = policy(battery(), limits=[CONNECTION])
        (slot,) = slots(made)
        state = LoopState(made, START)
        asked = {slot: 4000.0}
        assert state.decide(START + SECOND, asked, ()).condition is Condition.WAITING
        verdict = state.decide(START + 11 * SECOND, asked, ())
        assert verdict.condition is Condition.STALE
        assert (verdict.wishes[slot].power_w, verdict.wishes[slot].safe) == (0.0, True)

    def test_a_meter_that_falls_silent_is_an_overload_until_it_speaks_again(self) -> None:
        made = policy(battery(), limits=[CONNECTION])
        (slot,) = slots(made)
        state = LoopState(made, START)
        state.hear(shows(1000.0, START), START)
        asked = {slot: 4000.0}
        assert state.decide(START + 10 * SECOND, asked, ()).wishes[slot].power_w == 4000.0
        assert state.decide(START + 11 * SECOND, asked, ()).wishes[slot].power_w == 0.0
        state.hear(shows(1000.0, START + 12 * SECOND), START + 12 * SECOND)
        assert state.decide(START + 12 * SECOND, asked, ()).wishes[slot].power_w == 4000.0

    def test_without_a_limit_a_stale_meter_does_not_stop_commands(self) -> None:
        made = policy(battery("one"), battery("two"), target=NetPower(power_w=0.0))
        one, two = slots(made)
        verdict = LoopState(made, START).decide(START + 60 * SECOND, {one: 4000.0}, ())
        assert one not in verdict.wishes
        assert verdict.wishes[two].power_w == 0.0

    @pytest.mark.parametrize("late", [timedelta(0), -SECOND])
    def test_a_message_that_comes_twice_or_late_changes_nothing(self, late: timedelta) -> None:
        state = LoopState(policy(battery(), limits=[CONNECTION]), START)
        assert state.hear(shows(1000.0, START), START)
        assert not state.hear(shows(9999.0, START + late), START)

    def test_a_backlog_is_not_the_present(self) -> None:
        state = LoopState(policy(battery(), limits=[CONNECTION]), START)
        now = START + timedelta(hours=1)
        assert not state.hear(shows(1000.0, START), now)
        assert state.decide(now, {}, ()).condition is Condition.STALE

    def test_a_clock_that_is_ahead_does_not_shut_out_what_comes_after(self) -> None:
        state = LoopState(policy(battery(), limits=[CONNECTION]), START)
        assert not state.hear(shows(1.0, START + timedelta(hours=1)), START)
        assert state.hear(shows(2.0, START), START)

    def test_a_second_meter_takes_over_while_the_first_is_stale(self) -> None:
        made = policy(battery(), limits=[CONNECTION], meters=["meter", "other"])
        state = LoopState(made, START)
        state.hear(shows(1000.0, START), START)
        later = START + 12 * SECOND
        state.hear(shows(2000.0, later, device("other")), later)
        shown = state.decide(later, {}, ()).shown
        assert shown is not None
        assert (shown.meter, shown.powers_w[Phase.THREE]) == (device("other"), 2000.0)
        state.hear(shows(1500.0, later), later)
        shown = state.decide(later, {}, ()).shown
        assert shown is not None
        assert shown.meter == METER


class TestGroups:
    """One setpoint shared by state, efficiency and fairness."""

    def test_it_is_shared_by_what_each_has_left(self) -> None:
        window = {"min_soc_ratio": 0.0, "max_soc_ratio": 1.0}
        made = policy(
            battery("full", **window), battery("empty", **window), target=SharedPower(power_w=3000)
        )
        full, empty = slots(made)
        site = plant(made, lambda seconds: 0.0)
        site.state.hear(shows(0.75, START, device("full"), "soc_ratio"), START)
        site.state.hear(shows(0.25, START, device("empty"), "soc_ratio"), START)
        site.run(2)
        assert site.told_w() == pytest.approx({full: 750.0, empty: 2250.0})

    def test_as_few_work_as_can_do_it_efficiently(self) -> None:
        made = policy(
            *(battery(f"b{number}", efficient_ratio=0.2) for number in range(4)),
            target=SharedPower(power_w=1500.0),
        )
        site = plant(made, lambda seconds: 0.0)
        site.run(2)
        assert sorted(site.told_w().values()) == [1500.0]

    def test_the_part_of_one_that_is_lost_is_done_by_the_others_at_once(self) -> None:
        made = policy(
            battery("one"), battery("two"), battery("three"), target=SharedPower(power_w=6000.0)
        )
        one, two, three = slots(made)
        site = plant(made, lambda seconds: 0.0)
        site.run(2)
        assert set(site.told_w().values()) == {2000.0}
        site.lost = {two}
        site.decide()
        assert site.told_w() == pytest.approx({one: 3000.0, two: 2000.0, three: 3000.0})

    def test_a_dead_member_is_made_up_for_at_the_meter_too(self) -> None:
        made = policy(battery("one"), battery("two"), target=NetPower(power_w=0.0), dead_band_w=0.0)
        one, two = slots(made)
        site = plant(made, lambda seconds: 4000.0)
        site.run(5)
        assert site.told_w() == pytest.approx({one: -2000.0, two: -2000.0})
        site.follows, site.lost = {two: 0.0}, {two}
        site.run(5)
        assert site.told_w()[one] == pytest.approx(-4000.0)
        assert abs(site.since(8)[-1]) <= 1.0

    def test_charge_points_share_fairly_and_the_rest_wait_when_it_is_too_little(self) -> None:
        limit = LoopLimit(id="connection", max_import_power_w=10_000.0)
        made = policy(
            charger("one"), charger("two"), charger("three"), limits=[limit], dead_band_w=0.0
        )
        site = plant(made, lambda seconds: 0.0)
        for slot in slots(made):
            site.tell(slot, 16 * 690.0)
        site.run(10)
        assert sorted(site.told_w().values()) == pytest.approx([0.0, 5000.0, 5000.0])

    def test_who_had_its_turn_lets_others_go_first(self) -> None:
        limit = LoopLimit(id="connection", max_import_power_w=5000.0)
        made = policy(charger("one"), charger("two"), limits=[limit], dead_band_w=0.0)
        site = plant(made, lambda seconds: 0.0)
        for slot in slots(made):
            site.tell(slot, 16 * 690.0)
        served = set()
        for _ in range(40):
            site.run(60, step=2 * SECOND)
            served |= {slot for slot, power_w in site.told_w().items() if power_w > 0}
        assert served == set(slots(made))


@given(
    total_w=st.floats(0, 50_000),
    takers=st.lists(
        st.tuples(st.floats(0, 9000), st.integers(0, 10), st.floats(0, 3000)), max_size=8
    ),
    strict=st.booleans(),
)
def test_shares_add_up_and_nobody_gets_what_it_cannot_take(
    total_w: float, takers: list[tuple[float, float, float]], strict: bool
) -> None:
    made = [
        Taker(key=number, most_w=most, weight=weight, least_w=least, strict=strict)
        for number, (most, weight, least) in enumerate(takers)
    ]
    shares = share_out(total_w, made)
    assert sum(shares.values()) <= total_w + 1e-6
    for each in made:
        assert -1e-9 <= shares[each.key] <= each.most_w + 1e-9
        assert not strict or shares[each.key] == 0 or shares[each.key] >= each.least_w - 1e-6
    able_w = sum(each.most_w for each in made if each.weight > 0)
    if not any(each.least_w for each in made):
        assert sum(shares.values()) == pytest.approx(min(total_w, able_w), abs=1e-3)
