"""A verdict says what happened, not what a register or a meter of the device's own claims."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from tests.fakes.lying_devices import STEP_S, Lie, LyingBattery, RestlessHome
from wattmesh_control.domain.effects.asked import Asked, Ceiling, Floor, Level
from wattmesh_control.domain.effects.evidence import Evidence, Question
from wattmesh_control.domain.effects.judge import judge
from wattmesh_control.domain.effects.level import judge_level
from wattmesh_control.domain.effects.steps import Edge, StepAnswer, judge_step
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectBasis,
    EffectReason,
    EffectRule,
    EffectVerdict,
    Standing,
)
from wattmesh_control.domain.effects.windows import Floats, Held
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating

T0 = datetime(2024, 5, 1, tzinfo=UTC)
STEP = timedelta(seconds=STEP_S)
SITE = SiteId("home-1")
BATTERY, OTHER = DeviceId(SITE, "battery"), DeviceId(SITE, "charger")
RULE = EffectRule()
TOLERANCE_W = 200.0
FIRST_S, RANGE_S = 3603.0, 900.0
VALUES_W = (2500.0, -1800.0, 3200.0, -3900.0, 1500.0, 4000.0, -2600.0)


def at(second: float) -> datetime:
    return T0 + timedelta(seconds=second)


def series(values: Floats) -> Series:
    return Series(T0, STEP, values)


def verdicts(lie: Lie, *, grid: bool, vouched: bool = False) -> list[EffectVerdict]:
    """Return the verdict on each command but the last, of a battery that is told VALUES_W."""
    steps = int((FIRST_S + RANGE_S * len(VALUES_W)) / STEP_S)
    battery, home = LyingBattery(lie=lie, steps=steps, seed=7), RestlessHome(steps=steps, seed=11)
    starts = [FIRST_S + RANGE_S * index for index in range(len(VALUES_W))]
    for start, value_w in zip(starts, VALUES_W, strict=True):
        battery.write(start, value_w)
    own, site = series(battery.shown_w()), series(home.grid_w(battery) - home.shown_sun_w())
    edges = [edge(BATTERY, start) for start in starts]
    return [
        judge(
            question(Level(VALUES_W[index]), begin, end),
            Evidence(
                own=own,
                grid=site if grid else None,
                begin=edges[index],
                finish=edges[index + 1],
                edges=tuple(edges),
                claims={BATTERY: own},
                told_w=(
                    VALUES_W[index] - (VALUES_W[index - 1] if index else 0.0),
                    VALUES_W[index + 1] - VALUES_W[index],
                ),
                standing=Standing.VOUCHED if vouched else Standing.UNTRIED,
            ),
            RULE,
        )
        for index, (begin, end) in enumerate(pairwise(starts))
    ]


def edge(device: DeviceId, second: float) -> Edge:
    return Edge(device=device, begin=at(second), end=at(second + 1) + RULE.settling)


def question(asked: Asked, begin_s: float, end_s: float) -> Question:
    return Question(
        held=Held(sent=at(begin_s), acknowledged=at(begin_s + 1), end=at(end_s)),
        asked=asked,
        tolerance_w=TOLERANCE_W,
        rating=BatteryRating(
            capacity_wh=10_000.0, max_charge_power_w=5000.0, max_discharge_power_w=5000.0
        ),
    )


def found(lie: Lie, *, grid: bool) -> set[tuple[Effect, EffectReason]]:
    return {(each.effect, each.reason) for each in verdicts(lie, grid=grid)}


def test_what_a_device_does_is_confirmed_by_the_step_of_its_site() -> None:
    confirmed = [x for x in verdicts(Lie.HONEST, grid=True) if x.effect is Effect.CONFIRMED]
    assert len(confirmed) > len(VALUES_W) / 2
    assert {each.basis for each in confirmed} == {EffectBasis.GRID}
    vouched = verdicts(Lie.HONEST, grid=True, vouched=True)
    assert {each.effect for each in vouched} == {Effect.CONFIRMED}, "loads that disturb it too"


@pytest.mark.parametrize("grid", [True, False])
@pytest.mark.parametrize(
    ("lie", "effect", "reason"),
    [
        (Lie.NOTHING, Effect.NONE, EffectReason.NONE),
        (Lie.SIGN, Effect.CONTRARY, EffectReason.NONE),
        (Lie.LATE, Effect.PARTIAL, EffectReason.LATE),
        (Lie.FORGETS, Effect.PARTIAL, EffectReason.LOST),
    ],
)
def test_a_device_that_admits_it_is_seen_through(
    lie: Lie, effect: Effect, reason: EffectReason, grid: bool
) -> None:
    assert found(lie, grid=grid) == {(effect, reason)}


def test_the_delay_is_told() -> None:
    delays = [each.delay for each in verdicts(Lie.LATE, grid=False)]
    seconds = [each.total_seconds() for each in delays if each is not None]
    assert len(seconds) == len(VALUES_W) - 1
    assert seconds == pytest.approx([19.0] * len(seconds), abs=STEP_S / 2)


def test_a_meter_that_stands_still_says_nothing_and_the_site_tells() -> None:
    frozen = (Effect.UNKNOWN, EffectReason.METER_FROZEN)
    for lie in (Lie.FROZEN, Lie.FROZEN_IDLE):
        assert found(lie, grid=False) == {frozen}
    done, undone = (Effect.CONFIRMED, EffectReason.NONE), (Effect.NONE, EffectReason.NONE)
    assert {done} <= found(Lie.FROZEN, grid=True) <= {frozen, done}
    assert {undone} <= found(Lie.FROZEN_IDLE, grid=True) <= {frozen, undone}


def test_a_meter_that_invents_is_contradicted_by_the_site() -> None:
    contradicted = (Effect.NONE, EffectReason.OWN_METER_CONTRADICTED)
    told = [(each.effect, each.reason) for each in verdicts(Lie.PHANTOM, grid=True)]
    assert told.count(contradicted) >= len(VALUES_W) - 2
    assert {effect for effect, _ in told} <= {Effect.NONE, Effect.UNKNOWN}


def test_a_device_is_not_confirmed_by_itself_where_an_independent_meter_cannot_tell() -> None:
    quiet = np.zeros(600)
    own = quiet + np.where(np.arange(600) >= 400, 1000.0, 0.0)
    loud = np.random.default_rng(3).normal(0.0, 3000.0, 600)
    begin = edge(BATTERY, 2000.0)
    evidence = Evidence(
        own=series(own), grid=series(loud), begin=begin, claims={BATTERY: series(own)}
    )
    asked = question(Level(1000.0), 2000.0, 2900.0)
    unclear = judge(asked, evidence, RULE)
    assert (unclear.effect, unclear.reason) == (Effect.UNKNOWN, EffectReason.NOISE)
    vouched = Evidence(
        own=series(own),
        grid=series(loud),
        begin=begin,
        claims={BATTERY: series(own)},
        standing=Standing.VOUCHED,
    )
    known = judge(asked, vouched, RULE)
    assert (known.effect, known.basis) == (Effect.CONFIRMED, EffectBasis.VOUCHED)


def test_another_meter_of_the_asset_goes_before_the_devices_own() -> None:
    claimed = np.where(np.arange(600) >= 400, 1000.0, 0.0)
    evidence = Evidence(
        own=series(claimed), other=series(np.zeros(600)), begin=edge(BATTERY, 2000.0)
    )
    verdict = judge(question(Level(1000.0), 2000.0, 2900.0), evidence, RULE)
    assert (verdict.effect, verdict.basis) == (Effect.NONE, EffectBasis.METER)
    assert verdict.reason is EffectReason.OWN_METER_CONTRADICTED


def step_answer(true_w: tuple[float, float], claimed_w: tuple[float, float]) -> StepAnswer:
    """Return what a site with two devices that step at once says of the first."""
    after = np.arange(600) >= 400
    noise = np.random.default_rng(5).normal(0.0, 20.0, 600)
    site: Floats = noise + after * sum(true_w)
    claims = {
        device: series(np.asarray(after * power_w, dtype=np.float64))
        for device, power_w in zip((BATTERY, OTHER), claimed_w, strict=True)
    }
    begin, rival = edge(BATTERY, 2000.0), edge(OTHER, 2000.0)
    return judge_step(series(site), begin, (rival,), claims, at(2900.0)).answer


def test_devices_that_step_at_once_are_told_apart_when_only_one_story_fits() -> None:
    assert step_answer((1000.0, 2500.0), (1000.0, 2500.0)) is StepAnswer.AGREES
    assert step_answer((0.0, 2500.0), (1000.0, 2500.0)) is StepAnswer.STILL
    assert step_answer((-1000.0, 2500.0), (1000.0, 2500.0)) is StepAnswer.CONTRARY


def test_one_edge_at_which_another_device_stepped_too_confirms_nothing() -> None:
    after: Floats = (np.arange(600) >= 400).astype(np.float64)
    site: Floats = np.random.default_rng(5).normal(0.0, 20.0, 600) + after * 3000.0
    claims = {BATTERY: series(after * 1000.0), OTHER: series(after * 2000.0)}
    own: Floats = np.random.default_rng(6).normal(0.0, 5.0, 600) + after * 1000.0
    begin, rival = edge(BATTERY, 2000.0), edge(OTHER, 2000.0)
    evidence = Evidence(
        own=series(own),
        grid=series(site),
        begin=begin,
        edges=(begin, rival),
        claims=claims,
    )
    verdict = judge(question(Level(1000.0), 2000.0, 2900.0), evidence, RULE)
    assert (verdict.effect, verdict.reason) == (Effect.UNKNOWN, EffectReason.AMBIGUOUS)


def test_devices_whose_steps_hide_each_other_are_not_told_apart() -> None:
    assert step_answer((1000.0, 0.0), (1000.0, 1000.0)) is StepAnswer.AMBIGUOUS
    assert step_answer((0.0, 0.0), (1500.0, -1500.0)) is StepAnswer.AMBIGUOUS


def level(before_w: float, after_w: float, asked: Asked) -> tuple[Effect, EffectReason]:
    noise = np.random.default_rng(9).normal(0.0, 5.0, 600)
    power: Floats = noise + np.where(np.arange(600) >= 400, after_w, before_w)
    held = question(asked, 2000.0, 2900.0).held
    found = judge_level(series(power), held, asked, TOLERANCE_W, RULE)
    return found.effect, found.reason


def test_less_and_more_than_asked_is_a_part_and_what_stays_is_none() -> None:
    assert level(0.0, 1500.0, Level(3000.0)) == (Effect.PARTIAL, EffectReason.NONE)
    assert level(0.0, 4500.0, Level(3000.0)) == (Effect.PARTIAL, EffectReason.NONE)
    assert level(1500.0, 1500.0, Level(3000.0)) == (Effect.NONE, EffectReason.NONE)
    assert level(-2000.0, -3000.0, Level(3000.0)) == (Effect.CONTRARY, EffectReason.NONE)
    assert level(3000.0, 3000.0, Level(3000.0)) == (Effect.CONFIRMED, EffectReason.NO_STEP)


def test_a_limit_has_an_effect_only_where_something_had_to_change() -> None:
    assert level(-3000.0, -1900.0, Floor(-2000.0)) == (Effect.CONFIRMED, EffectReason.NONE)
    assert level(-1000.0, -1200.0, Floor(-2000.0)) == (Effect.UNKNOWN, EffectReason.NOT_BINDING)
    assert level(-3000.0, -3000.0, Floor(-2000.0)) == (Effect.NONE, EffectReason.NONE)
    assert level(-3000.0, -2500.0, Floor(-2000.0)) == (Effect.PARTIAL, EffectReason.NONE)
    assert level(7000.0, 3900.0, Ceiling(4000.0)) == (Effect.CONFIRMED, EffectReason.NONE)


def test_a_full_battery_is_excused() -> None:
    idle = np.random.default_rng(9).normal(0.0, 5.0, 600)
    evidence = Evidence(own=series(idle), begin=edge(BATTERY, 2000.0), soc_ratio=0.99)
    full = judge(question(Level(3000.0), 2000.0, 2900.0), evidence, RULE)
    assert (full.effect, full.reason) == (Effect.NONE, EffectReason.STORE_FULL)
    assert not full.amiss
    empty = judge(question(Level(-3000.0), 2000.0, 2900.0), evidence, RULE)
    assert (empty.effect, empty.reason) == (Effect.NONE, EffectReason.NONE)
    assert empty.amiss


def test_missing_readings_and_short_ranges_give_no_verdict() -> None:
    power = np.zeros(600)
    power[450:550] = np.nan
    evidence = Evidence(own=series(power), begin=edge(BATTERY, 2000.0))
    gap = judge(question(Level(3000.0), 2000.0, 2900.0), evidence, RULE)
    assert (gap.effect, gap.reason) == (Effect.UNKNOWN, EffectReason.NOT_METERED)
    short = judge(question(Level(3000.0), 2000.0, 2013.0), evidence, RULE)
    assert (short.effect, short.reason) == (Effect.UNKNOWN, EffectReason.TOO_SHORT)
