"""What one edge cannot tell of devices that step together, several can."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_control.domain.effects.asked import Level
from wattmesh_control.domain.effects.evidence import Evidence, Question
from wattmesh_control.domain.effects.judge import judge
from wattmesh_control.domain.effects.steps import Edge
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectReason,
    EffectRule,
    EffectVerdict,
    Standing,
    standing_of,
)
from wattmesh_control.domain.effects.windows import Floats, Held
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.series import Series

T0 = datetime(2024, 5, 1, tzinfo=UTC)
STEP_S, HELD, FIRST = 5, 120, 240
SITE = SiteId("home-1")
BATTERY, OTHER = DeviceId(SITE, "battery"), DeviceId(SITE, "battery-2")
RULE = EffectRule()
DISTURBANCE_W = 1300.0


def course(levels_w: tuple[float, ...]) -> Floats:
    """Return power that is 0 for FIRST steps, then at each level for HELD steps."""
    return np.concatenate([np.zeros(FIRST), np.repeat(levels_w, HELD)])


def verdict(
    claimed_w: tuple[float, ...],
    other_w: tuple[float, ...],
    *,
    true_w: tuple[float, ...] | None = None,
    disturbed: int | None = None,
    standing: Standing = Standing.UNTRIED,
) -> EffectVerdict:
    """Return what is said of the battery's last command but one.

    Both batteries step at once; the second one does what it claims. `disturbed`: the index of the
    edge at which a load of the site comes in as well.
    """
    rng = np.random.default_rng(7)
    own, other = course(claimed_w), course(other_w)
    site = other + (course(true_w) if true_w else 0.0) + rng.normal(0.0, 15.0, len(own))
    if disturbed is not None:
        site[FIRST + disturbed * HELD :] += DISTURBANCE_W
    own = own + rng.normal(0.0, 4.0, len(own))
    starts = [T0 + timedelta(seconds=STEP_S * (FIRST + n * HELD)) for n in range(len(claimed_w))]
    begin, finish = starts[-2:]
    edges = {device: [edge(device, start) for start in starts] for device in (BATTERY, OTHER)}
    return judge(
        Question(
            held=Held(sent=begin, acknowledged=begin, end=finish),
            asked=Level(claimed_w[-2]),
            tolerance_w=200.0,
        ),
        Evidence(
            own=series(own),
            grid=series(site),
            begin=edges[BATTERY][-2],
            finish=edges[BATTERY][-1],
            edges=tuple(x for each in edges.values() for x in each),
            claims={BATTERY: series(own), OTHER: series(other)},
            standing=standing,
        ),
        RULE,
    )


def edge(device: DeviceId, start: datetime) -> Edge:
    return Edge(device=device, begin=start, end=start + RULE.settling)


def series(values: Floats) -> Series:
    return Series(T0, timedelta(seconds=STEP_S), values)


HIDDEN_W = (2000.0, -1500.0, 1000.0)
"""With these the battery's last step hides behind the other's: they are of one size."""
HIDING_W = (500.0, 3000.0, 500.0)


def test_a_phantom_whose_step_is_as_large_as_an_honest_ones_is_given_away_by_the_edges_before() -> (
    None
):
    found = verdict(HIDDEN_W, HIDING_W)
    assert (found.effect, found.reason) == (Effect.NONE, EffectReason.OWN_METER_CONTRADICTED)
    honest = verdict(HIDDEN_W, HIDING_W, true_w=HIDDEN_W)
    assert honest.effect is Effect.CONFIRMED


def test_an_edge_that_another_load_disturbs_is_left_out_and_confirms_nothing() -> None:
    levels_w, other_w = (2000.0, -1500.0, 900.0, -2500.0), (500.0, 3000.0, 100.0, 1000.0)
    for disturbed in (1, 2, 3):
        found = verdict(levels_w, other_w, disturbed=disturbed)
        assert found.effect is Effect.NONE, disturbed
    own = [verdict(levels_w, other_w, true_w=levels_w, disturbed=edge) for edge in (2, 3)]
    assert {each.effect for each in own} == {Effect.UNKNOWN}


def test_what_was_contradicted_is_not_there_when_nothing_was_to_move_either() -> None:
    """Its level is the one that it only claimed to have come to."""
    levels_w, other_w = (2000.0, 2050.0, 2010.0), (500.0, 3000.0, 1000.0)
    unclear = verdict(levels_w, other_w)
    assert (unclear.effect, unclear.reason) == (Effect.UNKNOWN, EffectReason.NO_STEP)
    found = verdict(levels_w, other_w, standing=Standing.CONTRADICTED)
    assert (found.effect, found.reason) == (Effect.NONE, EffectReason.OWN_METER_CONTRADICTED)


def test_a_device_that_did_well_lately_is_not_believed_against_all_edges_together() -> None:
    levels_w, other_w = (2000.0, 2050.0, 2010.0), (500.0, 3000.0, 1000.0)
    found = verdict(levels_w, other_w, standing=Standing.VOUCHED)
    assert (found.effect, found.reason) == (Effect.UNKNOWN, EffectReason.NO_STEP)
    honest = verdict(levels_w, other_w, true_w=levels_w, standing=Standing.VOUCHED)
    assert honest.effect is Effect.CONFIRMED


@pytest.mark.parametrize(
    ("effect", "reason", "standing"),
    [
        ("confirmed", "", Standing.VOUCHED),
        ("none", "own_meter_contradicted", Standing.CONTRADICTED),
        ("contrary", "own_meter_contradicted", Standing.CONTRADICTED),
        ("none", "", Standing.UNTRIED),
    ],
)
def test_the_last_independent_verdict_says_what_a_devices_meter_is_worth(
    effect: str, reason: str, standing: Standing
) -> None:
    assert standing_of(effect, reason) is standing
