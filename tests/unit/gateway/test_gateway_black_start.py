"""An island comes up from black in the order that its owner has set, and within what is given."""

import random
from dataclasses import replace

import pytest

from tests.fakes.loop_site import shows
from tests.unit.gateway.test_gateway_island import GRID, ISLAND, POLICY, QUARTER, Site, load
from wattmesh_gateway.domain.loop.state import LoopState
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.loop_policy import LoopMember, LoopPolicy

COLD, PUMP, OVEN, SAUNA = (
    replace(load("cold", 800.0), rank=0),
    replace(load("pump", 1_500.0), rank=1),
    replace(load("oven", 2_000.0), rank=2),
    replace(load("sauna", 9_000.0), rank=1),
)
MOST_W = ISLAND.forming_power_w
ROOM_W = 0.8 * MOST_W


def ordered(*shed: LoopMember) -> LoopPolicy:
    return replace(POLICY, island=replace(ISLAND, shed=shed))


class Street(Site):
    """A site whose battery gives what is on, beside what cannot be switched [W]."""

    def __init__(self, *shed: LoopMember, base_w: float = 400.0) -> None:
        self.shed, self.base_w = shed, base_w
        self.came: list[str] = []
        super().__init__(ordered(*shed))

    def seconds(self, count: int) -> list[str]:
        """Let time pass; return what came on, in order."""
        self.came = []
        for _ in range(count * 4):
            before = self.off if self.verdict.island is not None else set[DeviceId]()
            self.given_w = self.base_w + self.drawn_w()
            self.pass_time(0.25)
            self.came += [each.segment for each in before - self.off]
        return self.came

    def hear_grid_alone(self) -> None:
        self.now += QUARTER
        self.state.hear(shows(self.volts, self.now, GRID, "voltage_v"), self.now)
        self.verdict = self.state.decide(self.now, {}, set())

    def drawn_w(self) -> float:
        return sum(max(each.powers_w) for each in self.shed if each.device not in self.off)

    def go_black(self) -> None:
        self.volts = 0.0
        self.pass_time(1.0)
        assert self.off == {each.device for each in self.shed}


def test_loads_come_on_in_the_order_that_is_set_not_in_that_of_shedding() -> None:
    site = Street(COLD, PUMP, OVEN, base_w=-1_000.0)
    site.go_black()
    assert site.seconds(30) == ["cold", "pump", "oven"]
    other = Street(replace(COLD, rank=0), replace(PUMP, rank=0), replace(OVEN, rank=0), base_w=-500)
    other.go_black()
    assert other.seconds(30) == ["oven", "pump", "cold"], "without an order the other way round"


def test_one_settles_before_the_next_one_comes_on() -> None:
    site = Street(COLD, PUMP, base_w=0.0)
    site.go_black()
    assert site.seconds(3) == []
    assert site.seconds(2) == ["cold"]
    assert site.seconds(4) == []
    assert site.seconds(2) == ["pump"]


def test_a_load_that_does_not_fit_yet_waits_and_none_goes_past_it() -> None:
    """Small ones that came later would take for ever what the one before them needs."""
    small = replace(load("lamp", 100.0), rank=3)
    site = Street(small, OVEN, base_w=2_500.0)
    site.go_black()
    assert site.seconds(60) == []
    site.base_w = 1_500.0
    assert site.seconds(20) == ["oven", "lamp"]


def test_a_load_that_the_battery_cannot_bear_alone_holds_up_nobody() -> None:
    site = Street(SAUNA, COLD, OVEN, base_w=400.0)
    site.go_black()
    assert site.seconds(60) == ["cold", "oven"]
    site.base_w = -8_000.0
    assert site.seconds(6) == ["sauna"], "the sun carries it"


def test_nothing_comes_on_before_the_battery_is_up() -> None:
    site = Street(COLD, PUMP, base_w=0.0)
    site.volts, site.closed = 0.0, 0.0
    site.state = LoopState(ordered(*site.shed), site.now)
    for _ in range(240):
        site.hear_grid_alone()
    assert len(site.off) == 2, "what forms the island has said nothing"
    assert site.seconds(1) == ["cold"]
    assert site.seconds(6) == ["pump"]


def test_one_word_of_the_battery_is_enough_for_one_load() -> None:
    """Two that were added to one word would both count as if the other were off."""
    site = Street(COLD, PUMP, base_w=0.0)
    site.go_black()
    for _ in range(240):
        site.hear_grid_alone()
    assert site.off == {PUMP.device}


def test_nothing_comes_on_without_energy() -> None:
    site = Street(COLD, PUMP)
    site.soc = 0.35
    site.go_black()
    assert site.seconds(60) == []
    site.soc = 0.45
    assert site.seconds(12) == ["cold", "pump"]


def test_a_gateway_that_restarts_in_mid_order_begins_it_again() -> None:
    site = Street(COLD, PUMP, OVEN, base_w=-500.0)
    site.go_black()
    assert site.seconds(12) == ["cold", "pump"]
    site.closed = 0.0
    site.state = LoopState(ordered(*site.shed), site.now)
    site.pass_time(0.5)
    assert len(site.off) == 3
    assert site.seconds(30) == ["cold", "pump", "oven"]


def test_an_order_that_is_changed_in_mid_order_holds_for_those_that_are_still_off() -> None:
    site = Street(COLD, PUMP, OVEN, base_w=-500.0)
    site.go_black()
    assert site.seconds(6) == ["cold"]
    changed = ordered(replace(COLD, rank=2), replace(PUMP, rank=1), replace(OVEN, rank=0))
    site.state = site.state.renewed(changed)
    assert site.seconds(30) == ["oven", "pump"]


def test_as_the_grid_is_back_the_order_is_the_same_whatever_is_drawn() -> None:
    site = Street(SAUNA, COLD, OVEN)
    site.soc = 0.1
    site.go_black()
    site.volts = 230.0
    site.seconds(32)
    assert site.verdict.island is not None
    assert not site.verdict.island.islanded
    assert [*site.came, *site.seconds(30)] == ["cold", "sauna", "oven"]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_loads_there_are_the_battery_is_not_overloaded_and_the_order_kept(
    seed: int,
) -> None:
    drawn = random.Random(seed)
    shed = tuple(
        replace(load(f"load-{number}", drawn.uniform(50, 6_000)), rank=drawn.randint(0, 3))
        for number in range(drawn.randint(1, 8))
    )
    site = Street(*shed, base_w=drawn.uniform(-2_000, 3_500))
    site.go_black()
    came = []
    for _ in range(90):
        came += site.seconds(1)
        assert site.base_w + site.drawn_w() <= ROOM_W
    island = site.state.policy.island
    assert island is not None
    order = [each.device.segment for each in island.restored]
    assert came == [each for each in order if each in came]
    if waiting := [each for each in order if each not in came]:
        watts = {each.device.segment: max(each.powers_w) for each in shed}
        beside = site.base_w + site.drawn_w() + watts[waiting[0]]
        assert beside > ROOM_W, "the first one that is off does not fit"
