"""A command whose setpoint the gateway's loop moved is judged by what the loop asked."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_control.domain.effects.asked import Asked, Ceiling, Level
from wattmesh_control.domain.effects.evidence import Evidence, Question
from wattmesh_control.domain.effects.judge import judge
from wattmesh_control.domain.effects.steps import Edge
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectBasis,
    EffectReason,
    EffectRule,
    EffectVerdict,
    Standing,
)
from wattmesh_control.domain.effects.windows import Floats, Held
from wattmesh_control.domain.moves import Moves, joined
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating

T0 = datetime(2024, 5, 1, tzinfo=UTC)
STEP_S, BEFORE, HELD = 5, 60, 180
BATTERY = DeviceId(SiteId("home-1"), "battery")
ASKED_W = -500.0
RULE = EffectRule()


def at(step: int) -> datetime:
    return T0 + timedelta(seconds=STEP_S * step)


def series(values: Floats) -> Series:
    return Series(T0, timedelta(seconds=STEP_S), values)


def told(seed: int = 3, every: int = 6) -> tuple[Moves, Floats]:
    """Return what a loop told a battery every 30 s, and the same as power on the raster."""
    rng = np.random.default_rng(seed)
    steps = list(range(BEFORE, BEFORE + HELD, every))
    powers_w = [float(x) for x in rng.uniform(-3000.0, 500.0, len(steps))]
    series = np.zeros(BEFORE + HELD)
    for step, power_w in zip(steps, powers_w, strict=True):
        series[step:] = power_w
    return Moves(times=tuple(map(at, steps)), powers_w=tuple(powers_w)), series


def verdict(
    own_w: Floats,
    moves: Moves,
    *,
    grid: bool = False,
    other_w: Floats | None = None,
    standing: Standing = Standing.UNTRIED,
    asked: Asked | None = None,
    soc_ratio: float = 0.5,
) -> EffectVerdict:
    noise = np.random.default_rng(1).normal(0.0, 5.0, len(own_w))
    return judge(
        Question(
            held=Held(sent=at(BEFORE), acknowledged=at(BEFORE), end=at(BEFORE + HELD)),
            asked=asked or Level(ASKED_W),
            tolerance_w=100.0,
            rating=BatteryRating(
                capacity_wh=10_000.0, max_charge_power_w=5000.0, max_discharge_power_w=5000.0
            ),
        ),
        Evidence(
            own=series(own_w + noise),
            other=None if other_w is None else series(other_w + noise),
            grid=series(noise) if grid else None,
            begin=Edge(device=BATTERY, begin=at(BEFORE), end=at(BEFORE)),
            moves=moves,
            standing=standing,
            soc_ratio=soc_ratio,
        ),
        RULE,
    )


def late(powers_w: Floats, steps: int) -> Floats:
    return np.concatenate([np.zeros(steps), powers_w[:-steps]])


def test_a_device_that_follows_its_loop_is_confirmed_though_it_never_did_what_was_asked() -> None:
    moves, power_w = told()
    found = verdict(late(power_w, 1), moves)
    assert (found.effect, found.reason) == (Effect.CONFIRMED, EffectReason.MOVED)
    assert found.asked_power_w == ASKED_W
    assert found.moved_power_w == pytest.approx(float(power_w[BEFORE:].mean()), abs=1.0)
    assert found.achieved_ratio == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("scale", "effect"), [(0.0, Effect.NONE), (-1.0, Effect.CONTRARY), (0.5, Effect.PARTIAL)]
)
def test_a_device_that_does_not_follow_its_loop_is_found_out(scale: float, effect: Effect) -> None:
    moves, power_w = told()
    assert verdict(scale * power_w, moves).effect is effect


def test_doing_what_was_asked_in_place_of_what_the_loop_told_is_not_confirmed() -> None:
    moves, power_w = told()
    stubborn = np.where(np.arange(len(power_w)) >= BEFORE, ASKED_W, 0.0)
    assert verdict(stubborn, moves).effect in (Effect.PARTIAL, Effect.NONE)


def test_until_it_is_moved_a_device_is_to_do_what_was_asked() -> None:
    moves = Moves(times=(at(BEFORE + 90),), powers_w=(-2500.0,))
    steps = np.arange(BEFORE + HELD)
    both = np.where(steps < BEFORE, 0.0, np.where(steps < BEFORE + 90, ASKED_W, -2500.0))
    assert verdict(both, moves).effect is Effect.CONFIRMED
    early = np.where(steps < BEFORE, 0.0, -2500.0)
    assert verdict(early, moves).effect is Effect.PARTIAL


def test_where_an_independent_meter_could_tell_the_own_one_has_to_be_vouched_for() -> None:
    moves, power_w = told()
    alone = verdict(power_w, moves, grid=True)
    assert (alone.effect, alone.reason) == (Effect.UNKNOWN, EffectReason.OVERRULED)
    assert alone.moved_power_w is not None, "what the loop told is known all the same"
    contradicted = verdict(power_w, moves, grid=True, standing=Standing.CONTRADICTED)
    assert contradicted.effect is Effect.UNKNOWN
    vouched = verdict(power_w, moves, grid=True, standing=Standing.VOUCHED)
    assert (vouched.effect, vouched.basis) == (Effect.CONFIRMED, EffectBasis.VOUCHED)
    admitted = verdict(np.zeros(len(power_w)), moves, grid=True)
    assert admitted.effect is Effect.NONE, "a meter that admits it needs nobody's word"
    other = verdict(power_w, moves, other_w=np.zeros(len(power_w)), grid=True)
    assert (other.effect, other.basis) == (Effect.NONE, EffectBasis.METER)


def test_a_moved_limit_is_kept_from_one_side() -> None:
    moves, power_w = told()
    limit_w = power_w + 4000.0
    limits = Moves(times=moves.times, powers_w=tuple(x + 4000.0 for x in moves.powers_w))
    kept = verdict(0.99 * limit_w, limits, asked=Ceiling(5000.0))
    assert kept.effect is Effect.CONFIRMED
    idle = verdict(np.zeros(len(limit_w)), limits, asked=Ceiling(5000.0))
    assert (idle.effect, idle.reason) == (Effect.UNKNOWN, EffectReason.NOT_BINDING)
    beyond = verdict(np.full(len(limit_w), 6000.0), limits, asked=Ceiling(5000.0))
    assert beyond.effect not in (Effect.CONFIRMED, Effect.UNKNOWN)


def test_an_empty_battery_is_excused_by_what_the_loop_told_it() -> None:
    moves, _ = told()
    found = verdict(np.zeros(BEFORE + HELD), moves, soc_ratio=0.0)
    assert (found.effect, found.reason) == (Effect.NONE, EffectReason.STORE_EMPTY)


def test_parts_of_moves_join_in_order_and_a_missing_part_leaves_nothing_known() -> None:
    moves, _ = told()
    first = Moves(times=moves.times[:10], powers_w=moves.powers_w[:10])
    rest = Moves(times=moves.times[10:], powers_w=moves.powers_w[10:])
    assert joined([(10, rest), (0, first)]) == moves
    assert joined([(10, rest)]) is None, "the first part was lost"
    assert joined([(0, first), (12, rest)]) is None
    assert joined([(0, first), (0, rest)]) is None, "the gateway started anew in between"
    assert joined([]) is None


def test_moves_without_a_power_for_each_time_or_with_falling_times_are_refused() -> None:
    for times, powers_w in (((), ()), ((at(1),), ()), ((at(2), at(1)), (1.0, 2.0))):
        with pytest.raises(InvalidArgument):
            Moves(times=times, powers_w=powers_w)


def test_what_a_device_was_told_in_a_span_counts_from_the_last_move_before_it() -> None:
    moves = Moves(times=(at(10), at(20)), powers_w=(1000.0, -1000.0))
    assert moves.within(at(0), at(10), 300.0) == (300.0, 300.0, 1000.0)
    assert moves.within(at(12), at(16), 300.0) == (1000.0, 1000.0, 1000.0)
    least_w, mean_w, most_w = moves.within(at(0), at(40), 0.0)
    assert (least_w, most_w) == (-1000.0, 1000.0)
    assert mean_w == pytest.approx((0 * 10 + 1000 * 10 - 1000 * 20) / 40)
