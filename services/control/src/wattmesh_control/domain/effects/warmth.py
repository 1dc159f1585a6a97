"""Whether a zone or tank became as warm as it was asked to, by what measures its temperature."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from wattmesh_control.domain.effects.asked import Warmth
from wattmesh_control.domain.effects.evidence import Evidence
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectBasis,
    EffectReason,
    EffectVerdict,
)
from wattmesh_control.domain.effects.windows import Held, known_within, values_before
from wattmesh_kernel.series import Series

_BASE_INTERVALS = 5
_LAST = timedelta(minutes=10)
_BAND_KELVIN = 1.0
"""Within so much a thermostat keeps a temperature."""
_LEAST_HELD = timedelta(minutes=30)
"""Before that walls and water have hardly answered."""
_LEAST_MOVE_RATIO = 0.15
_FULL_RATIO, _LEAST_MORE_RATIO = 0.7, 0.15
"""Of the most that a plant draws: what it hardly exceeds, and what tells more from the same."""
_CONFIDENCE = {EffectBasis.METER: 0.9, EffectBasis.OWN: 0.8}


def judge_warmth(evidence: Evidence, held: Held, asked: Warmth) -> EffectVerdict:
    """Return the verdict by the temperature [°C]; another device's word goes before the own.

    CONFIRMED when it ends within 1 K of what was asked, PARTIAL when it went at least a seventh of
    the way, NONE when a plant that can warm (or cool) did not move it, as far as is known: one that
    draws more than before, or all it can, works at it, against sun and weather or too weak, which
    is PARTIAL, too. Where it would have to go the other way than the plant can, nothing is known:
    the sun warms a room that nobody cools. It is never CONTRARY: what else warms and cools a zone
    is not known.
    """
    own, other = evidence.own, evidence.other
    series, basis = (own, EffectBasis.OWN) if other is None else (other, EffectBasis.METER)
    found = _found(series, held, asked)
    if found.effect is Effect.NONE and _worked(evidence.plant, held, asked):
        found = replace(found, effect=Effect.PARTIAL, reason=EffectReason.WORKED)
    known = found.effect is not Effect.UNKNOWN
    return replace(
        found,
        basis=basis if known else EffectBasis.NOTHING,
        confidence_ratio=_CONFIDENCE[basis] if known else 0.0,
        asked_celsius=asked.celsius,
    )


def _worked(plant: Series | None, held: Held, asked: Warmth) -> bool:
    """Return whether the plant shows that it heard: it draws more than before, or all it can."""
    drawn_w = None if plant is None else known_within(plant, held.acknowledged, held.end)
    if plant is None or drawn_w is None or not drawn_w.size or not asked.plant_w:
        return False
    ratio = float(drawn_w.mean()) / asked.plant_w
    before_w = values_before(plant, held.sent, len(drawn_w))
    more = ratio - float(before_w.mean()) / asked.plant_w if before_w.size else 0.0
    return ratio >= _FULL_RATIO or more >= _LEAST_MORE_RATIO


def _found(series: Series | None, held: Held, asked: Warmth) -> EffectVerdict:
    if series is None:
        return _unknown(EffectReason.NO_METER)
    after = known_within(series, held.acknowledged, held.end)
    before = values_before(series, held.sent, _BASE_INTERVALS)
    if after is None or not before.size:
        return _unknown(EffectReason.NOT_METERED)
    if held.end - held.acknowledged < _LEAST_HELD or not after.size:
        return _unknown(EffectReason.TOO_SHORT)
    last = after[-max(_LAST // series.resolution, 1) :]
    base, came = float(np.median(before)), float(np.median(last))
    found = replace(_judged(base, came, asked), base_celsius=base, metered_celsius=came)
    moved = found.effect is Effect.PARTIAL or found.reason is EffectReason.NOT_BINDING
    if not moved and np.ptp(series.values[np.isfinite(series.values)]) == 0:
        return replace(found, effect=Effect.UNKNOWN, reason=EffectReason.METER_FROZEN)
    return found


def _judged(base: float, came: float, asked: Warmth) -> EffectVerdict:
    step, missing = asked.celsius - base, asked.celsius - came
    there = abs(step) <= _BAND_KELVIN
    ratio = None if there else (came - base) / step
    if abs(missing) <= _BAND_KELVIN:
        reason = EffectReason.NO_STEP if there else EffectReason.NONE
        return EffectVerdict(effect=Effect.CONFIRMED, reason=reason, achieved_ratio=ratio)
    if not (asked.warms if missing > 0 else asked.cools):
        return _unknown(EffectReason.NOT_BINDING)
    if there:
        return EffectVerdict(effect=Effect.PARTIAL, reason=EffectReason.LOST)
    went = ratio is not None and ratio >= _LEAST_MOVE_RATIO
    return EffectVerdict(effect=Effect.PARTIAL if went else Effect.NONE, achieved_ratio=ratio)


def _unknown(reason: EffectReason) -> EffectVerdict:
    return EffectVerdict(effect=Effect.UNKNOWN, reason=reason)
