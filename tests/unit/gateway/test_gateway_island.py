"""The grid goes: the loop sees it, switches off what is to be shed, and on again what is borne."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.loop_site import (
    METER,
    SECOND,
    SITE,
    START,
    battery,
    charger,
    device,
    policy,
    shows,
)
from wattmesh_gateway.domain.loop.standing import slot_of
from wattmesh_gateway.domain.loop.state import LoopState
from wattmesh_gateway.domain.loop.verdict import Condition, Verdict
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.loop_policy import LoopIsland, LoopMember, LoopPolicy, NetPower
from wattmesh_kernel.setpoints import SetpointKind

QUARTER = timedelta(milliseconds=250)
GRID, SWITCH, FORMING = device("grid"), device("switch"), device("battery")


def load(name: str, watts: float) -> LoopMember:
    return LoopMember(
        device=device(name),
        kind=SetpointKind.ON_OFF,
        min_value=0.0,
        max_value=1.0,
        watts_per_unit=watts,
        idle_value=1.0,
        safe_value=1.0,
        limits_only=True,
    )


POOL, HEAT, CAR = load("pool", 1_000.0), load("heat", 2_500.0), charger("charger")
ISLAND = LoopIsland(
    switch=load("switch", 1.0),
    grid_meter=GRID,
    sample_interval=QUARTER,
    reconnect_delay=timedelta(seconds=30),
    shed=(CAR, POOL, HEAT),
    forming=FORMING,
    forming_power_w=5_000.0,
)
POLICY = replace(policy(battery(), CAR, target=NetPower(power_w=0.0)), island=ISLAND)


class Site:
    """Feeds a loop with what meters show, every quarter of a second."""

    def __init__(self, made: LoopPolicy = POLICY) -> None:
        self.state = LoopState(made, START)
        self.now = START
        self.volts, self.hertz = 230.0, 50.0
        self.given_w, self.soc, self.closed = 500.0, 0.8, 1.0
        self.asked = {slot_of(battery()): 1_000.0}
        self.verdict = self.pass_time(1.0)

    def pass_time(self, seconds: float) -> Verdict:
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now += QUARTER
            self.verdict = self.word()
        return self.verdict

    def word(self) -> Verdict:
        for point, quantity, value in (
            (METER, "active_power_w", 0.0),
            (GRID, "voltage_v", self.volts),
            (GRID, "frequency_hz", self.hertz),
            (SWITCH, "grid_connected_ratio", self.closed),
            (FORMING, "active_power_w", -self.given_w),
            (FORMING, "soc_ratio", self.soc),
        ):
            self.state.hear(shows(value, self.now, point, quantity), self.now)
        return self.state.decide(self.now, self.asked, set())

    @property
    def off(self) -> set[DeviceId]:
        assert self.verdict.island is not None
        return {slot[0] for slot in self.verdict.island.shed}


def test_the_loss_of_the_grid_is_seen_within_a_second_and_everything_goes_off_at_once() -> None:
    site = Site()
    assert site.verdict.island is not None
    assert not site.verdict.island.islanded
    site.volts = 0.0
    lost = site.now
    while not site.verdict.island.islanded:
        site.pass_time(0.25)
        assert site.verdict.island is not None
    assert site.now - lost <= SECOND
    assert site.off == {CAR.device, POOL.device, HEAT.device}
    wishes = site.verdict.wishes
    assert wishes[slot_of(ISLAND.switch)].power_w == 0.0
    assert wishes[slot_of(ISLAND.switch)].why == "the grid has 0 V"
    assert slot_of(battery()) not in wishes, "what forms the island is left to balance it"


@pytest.mark.parametrize(("volts", "hertz"), [(150.0, 50.0), (270.0, 50.0), (230.0, 46.9)])
def test_a_grid_out_of_bounds_is_none(volts: float, hertz: float) -> None:
    site = Site()
    site.volts, site.hertz = volts, hertz
    assert site.pass_time(1.0).island is not None
    assert site.verdict.island is not None
    assert site.verdict.island.islanded


def test_a_dip_of_one_word_is_no_loss() -> None:
    site = Site()
    site.volts = 100.0
    site.pass_time(0.25)
    site.volts = 230.0
    site.pass_time(5.0)
    assert site.verdict.island is not None
    assert not site.verdict.island.islanded


def test_what_went_off_last_comes_on_first_as_the_battery_bears_it() -> None:
    site = Site()
    site.volts = 0.0
    site.pass_time(1.0)
    site.pass_time(5.0)
    assert site.off == {CAR.device, POOL.device}, "500 W and 2.5 kW are within 4 kW"
    site.given_w = 3_000.0
    site.pass_time(5.0)
    assert site.off == {CAR.device}
    site.given_w = 3_900.0
    site.pass_time(30.0)
    assert site.off == {CAR.device}, "11 kW are more than it gives"


def test_a_car_that_is_asked_to_give_is_left_to_it_and_goes_off_with_its_command() -> None:
    """It may be all that serves what is critical: the battery is empty."""
    site = Site()
    site.soc, site.volts = 0.1, 0.0
    site.asked[slot_of(CAR)] = -2_000.0
    site.pass_time(1.0)
    assert site.off == {POOL.device, HEAT.device}
    assert slot_of(CAR) not in site.verdict.wishes

    del site.asked[slot_of(CAR)]
    site.pass_time(1.0)
    assert site.off == {CAR.device, POOL.device, HEAT.device}
    assert site.verdict.wishes[slot_of(CAR)].power_w == 0.0


def test_more_than_the_battery_gives_switches_the_next_one_off() -> None:
    site = Site()
    site.volts = 0.0
    site.pass_time(1.0)
    site.pass_time(11.0)
    assert site.off == {CAR.device}
    site.given_w = 4_900.0
    site.pass_time(0.25)
    assert site.off == {CAR.device, POOL.device}
    assert "gives 4900 W" in site.verdict.wishes[slot_of(POOL)].why


def test_a_battery_that_is_empty_at_the_evening_peak_keeps_all_off_that_may_be() -> None:
    site = Site()
    site.soc = 0.1
    site.volts = 0.0
    site.pass_time(120.0)
    assert site.off == {CAR.device, POOL.device, HEAT.device}
    site.soc = 0.35
    site.pass_time(30.0)
    assert HEAT.device in site.off, "a little more is not enough"
    site.soc = 0.5
    site.pass_time(6.0)
    assert HEAT.device not in site.off
    site.soc = 0.2
    site.pass_time(0.5)
    assert HEAT.device in site.off
    assert site.verdict.wishes[slot_of(HEAT)].why == "the battery is low"


def test_the_grid_must_be_back_for_long_enough_and_then_all_comes_on_one_by_one() -> None:
    site = Site()
    site.soc = 0.1
    site.volts = 0.0
    site.pass_time(10.0)
    site.closed, site.volts = 0.0, 230.0
    site.pass_time(29.0)
    assert site.verdict.island is not None
    assert site.verdict.island.islanded
    site.pass_time(2.0)
    assert not site.verdict.island.islanded
    assert slot_of(ISLAND.switch) not in site.verdict.wishes, "it closes as it is let go"
    site.closed = 1.0
    assert len(site.off) == 3
    site.pass_time(6.0)
    assert len(site.off) == 2
    site.pass_time(12.0)
    assert not site.off


def test_a_flapping_grid_keeps_the_site_an_island() -> None:
    site = Site()
    for _ in range(10):
        site.volts = 0.0
        site.pass_time(2.0)
        site.volts = 230.0
        site.pass_time(20.0)
        assert site.verdict.island is not None
        assert site.verdict.island.islanded
    site.pass_time(11.0)
    assert site.verdict.island is not None
    assert not site.verdict.island.islanded


def test_an_outage_while_a_car_charges_lets_the_car_wait() -> None:
    site = Site()
    site.asked[slot_of(CAR)] = 11_040.0
    site.volts = 0.0
    verdict = site.pass_time(1.0)
    assert verdict.wishes[slot_of(CAR)].power_w == 0.0
    assert "island" in verdict.wishes[slot_of(CAR)].why


def test_a_switch_that_somebody_opened_is_a_drill_until_it_is_closed() -> None:
    site = Site()
    site.closed = 0.0
    site.pass_time(60.0)
    assert site.verdict.island is not None
    assert site.verdict.island.why == "its switch is open"
    assert slot_of(ISLAND.switch) not in site.verdict.wishes, "it is left to who opened it"
    site.volts = 0.0
    site.pass_time(1.0)
    assert site.verdict.wishes[slot_of(ISLAND.switch)].power_w == 0.0, "now it is an outage"
    site.volts = 230.0
    site.pass_time(31.0)
    site.closed = 1.0
    site.pass_time(1.0)
    assert site.verdict.island is not None
    assert not site.verdict.island.islanded


def test_a_drill_ends_as_the_switch_closes() -> None:
    site = Site()
    site.closed = 0.0
    site.pass_time(5.0)
    site.closed = 1.0
    site.pass_time(0.5)
    assert site.verdict.island is not None
    assert not site.verdict.island.islanded


def test_a_switch_that_does_not_close_is_an_island_still() -> None:
    site = Site()
    site.volts = 0.0
    site.pass_time(2.0)
    site.closed, site.volts = 0.0, 230.0
    site.pass_time(89.0)
    assert site.verdict.island is not None
    assert not site.verdict.island.islanded
    site.pass_time(5.0)
    assert site.verdict.island is not None
    assert site.verdict.island.islanded


def test_a_gateway_that_begins_on_an_island_knows_it_from_the_first_words() -> None:
    site = Site()
    site.volts, site.closed = 0.0, 0.0
    site.pass_time(20.0)
    site.state = LoopState(POLICY, site.now)
    verdict = site.pass_time(0.5)
    assert verdict.condition is Condition.STEERING
    assert verdict.island is not None
    assert verdict.island.islanded
    assert verdict.wishes[slot_of(ISLAND.switch)].power_w == 0.0


def test_a_renewed_policy_forgets_nothing_of_an_island() -> None:
    site = Site()
    site.volts = 0.0
    site.pass_time(7.0)
    before = site.off
    site.state = site.state.renewed(replace(POLICY, dead_band_w=80.0))
    site.pass_time(0.5)
    assert site.off == before
    assert POLICY.site == SITE


def test_without_a_meter_at_the_connection_an_island_goes_on() -> None:
    site = Site()
    site.volts = 0.0
    site.pass_time(1.0)
    for _ in range(200):
        site.now += QUARTER
        site.state.hear(shows(0.0, site.now, GRID, "voltage_v"), site.now)
        site.verdict = site.state.decide(site.now, {}, set())
    assert site.verdict.condition is Condition.STEERING


def test_on_a_clock_that_runs_fast_a_switch_that_closes_is_no_drill() -> None:
    """Words are minutes old there: the loop would switch all off again that just came on."""
    site = Site(replace(POLICY, stale_after=timedelta(minutes=5)))
    site.volts = 0.0
    site.pass_time(2.0)
    site.closed, site.volts = 0.0, 230.0
    site.pass_time(31.0 + 120.0)
    assert site.verdict.island is not None
    assert not site.verdict.island.islanded
    assert len(site.off) == 3, "each one waits for what the last one draws, too"
    site.closed = 1.0
    site.pass_time(151.0)
    assert len(site.off) == 2
