"""Whether reactive power came to what was asked, by what measures it."""

from dataclasses import replace

from wattmesh_control.domain.effects.asked import Level, Reactive
from wattmesh_control.domain.effects.level import LevelFinding, judge_level
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectBasis,
    EffectReason,
    EffectRule,
    EffectVerdict,
)
from wattmesh_control.domain.effects.windows import Held
from wattmesh_kernel.series import Series

_CONFIDENCE = {EffectBasis.METER: 0.999, EffectBasis.OWN: 0.9}


def judge_reactive(
    own: Series | None,
    other: Series | None,
    held: Held,
    asked: Reactive,
    tolerance_var: float,
    rule: EffectRule,
) -> EffectVerdict:
    """Return the verdict by reactive power [var]; another meter of the asset goes before the own.

    Judged like active power. The meter at the grid connection has no word: loads' own reactive
    power is as large as a device's, and nobody plans it.
    """
    level = Level(asked.power_var)
    mine = judge_level(own, held, level, tolerance_var, rule)
    theirs = judge_level(other, held, level, tolerance_var, rule)
    if theirs.effect is Effect.UNKNOWN:
        return _verdict(mine, EffectBasis.OWN, asked)
    found = _verdict(theirs, EffectBasis.METER, asked)
    late = theirs.reason is EffectReason.LATE
    if mine.effect is Effect.CONFIRMED and theirs.effect is not Effect.CONFIRMED and not late:
        return replace(found, reason=EffectReason.OWN_METER_CONTRADICTED)
    return found


def _verdict(found: LevelFinding, basis: EffectBasis, asked: Reactive) -> EffectVerdict:
    known = found.effect is not Effect.UNKNOWN
    return EffectVerdict(
        effect=found.effect,
        reason=found.reason,
        basis=basis if known else EffectBasis.NOTHING,
        confidence_ratio=_CONFIDENCE[basis] if known else 0.0,
        achieved_ratio=found.achieved_ratio,
        delay=found.delay,
        asked_var=asked.power_var,
        base_var=found.base_w,
        metered_var=found.metered_w,
    )
