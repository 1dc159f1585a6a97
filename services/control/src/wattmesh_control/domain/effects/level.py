"""Whether an asset's power came to what was asked, by a meter that measures the asset itself."""

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

import numpy as np

from wattmesh_control.domain.effects.asked import Asked, Ceiling, Floor, Level, Running
from wattmesh_control.domain.effects.frozen import stands_still
from wattmesh_control.domain.effects.verdict import Effect, EffectReason, EffectRule
from wattmesh_control.domain.effects.windows import (
    Floats,
    Held,
    index_until,
    known_within,
    values_before,
)
from wattmesh_kernel.series import Series

BASE_INTERVALS = 5
AT_RATIO = 0.95
"""Of so many intervals the level must be right."""
LEAST_MOVE_RATIO = 0.15
"""Less of the way than this is none of it."""
_CAME_INTERVALS = 3
_RUNNING_INTERVALS = 2
_BINDS_RATIO = 0.2
_CAME_RATIO = 0.8
_MEAN = 0.5
"""How much of an interval its mean may hide of a delay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelFinding:
    """What one meter of the asset says; powers [W]."""

    effect: Effect
    reason: EffectReason = EffectReason.NONE
    base_w: float | None = None
    metered_w: float | None = None
    achieved_ratio: float | None = None
    delay: timedelta | None = None


def judge_level(
    series: Series | None, held: Held, asked: Asked, tolerance_w: float, rule: EffectRule
) -> LevelFinding:
    """Return what a meter of the asset says of a command; `series` is power into the asset [W]."""
    if series is None:
        return _unknown(EffectReason.NO_METER)
    settled = held.acknowledged + rule.settling
    after = known_within(series, settled, held.end)
    if after is None:
        return _unknown(EffectReason.NOT_METERED)
    if len(after) < rule.least_intervals:
        return _unknown(EffectReason.TOO_SHORT)
    before = values_before(series, held.sent, BASE_INTERVALS)
    base_w = float(np.median(before)) if before.size else None
    match asked:
        case Level(power_w):
            found = _level(after, base_w, power_w, tolerance_w)
            found = _late(found, series, held, after, rule)
        case Ceiling(power_w):
            found = _ceiling(after, base_w, power_w, tolerance_w)
        case Floor(power_w):
            found = _ceiling(-after, None if base_w is None else -base_w, -power_w, tolerance_w)
        case Running(power_w):
            sign = 1.0 if power_w >= 0 else -1.0
            found = _running(sign * after, None if base_w is None else sign * base_w, abs(power_w))
        case _:
            assert_never(asked)
    if stands_still(series, held, settled, moved=found.effect is Effect.CONFIRMED):
        found = _unknown(EffectReason.METER_FROZEN)
    return LevelFinding(
        effect=found.effect,
        reason=found.reason,
        base_w=base_w,
        metered_w=float(np.mean(after)),
        achieved_ratio=found.achieved_ratio,
        delay=found.delay,
    )


def _unknown(reason: EffectReason) -> LevelFinding:
    return LevelFinding(effect=Effect.UNKNOWN, reason=reason)


def _level(after: Floats, base_w: float | None, asked_w: float, tolerance_w: float) -> LevelFinding:
    at = np.abs(after - asked_w) <= tolerance_w
    median_w, start_w = float(np.median(after)), base_w or 0.0
    step_w = asked_w - start_w
    stays = abs(step_w) <= tolerance_w
    achieved = None if stays else (median_w - start_w) / step_w
    if at.mean() >= AT_RATIO and abs(median_w - asked_w) <= tolerance_w:
        reason = EffectReason.NO_STEP if stays else EffectReason.NONE
        return LevelFinding(effect=Effect.CONFIRMED, reason=reason, achieved_ratio=achieved)
    if at[:_CAME_INTERVALS].any() and not at[-1]:
        return LevelFinding(
            effect=Effect.PARTIAL, reason=EffectReason.LOST, achieved_ratio=achieved
        )
    return LevelFinding(
        effect=_moved(median_w, start_w, asked_w, tolerance_w), achieved_ratio=achieved
    )


def _moved(median_w: float, start_w: float, asked_w: float, tolerance_w: float) -> Effect:
    """Say how far power went from where it was towards what was asked."""
    move_w, step_w = median_w - start_w, asked_w - start_w
    if abs(move_w) <= min(tolerance_w / 2, LEAST_MOVE_RATIO * abs(step_w)):
        return Effect.NONE
    against = median_w * asked_w < 0 and min(abs(median_w), abs(asked_w)) > tolerance_w
    if against or move_w * step_w < 0:
        return Effect.CONTRARY
    return Effect.PARTIAL if abs(move_w) > LEAST_MOVE_RATIO * abs(step_w) else Effect.NONE


def _late(
    found: LevelFinding, series: Series, held: Held, after: Floats, rule: EffectRule
) -> LevelFinding:
    """Take note of the delay: the energy that was missing until it came, over the whole step."""
    before = values_before(series, held.sent, BASE_INTERVALS)
    stepped = found.effect is Effect.CONFIRMED and found.reason is EffectReason.NONE
    if not stepped or not before.size:
        return found
    delay = _delay(series, held, float(np.median(before)), float(np.median(after)))
    late = delay > rule.settling + _MEAN * series.resolution
    return LevelFinding(
        effect=Effect.PARTIAL if late else Effect.CONFIRMED,
        reason=EffectReason.LATE if late else EffectReason.NONE,
        achieved_ratio=found.achieved_ratio,
        delay=delay,
    )


def _delay(series: Series, held: Held, base_w: float, came_w: float) -> timedelta:
    """Return for how long the step was missing: until most of it is there."""
    first = max(index_until(series, held.acknowledged), 0)
    missing_s, dt_s = 0.0, series.resolution.total_seconds()
    for index in range(first, index_until(series, held.end)):
        began = series.start + index * series.resolution
        due = 1.0 - max((held.acknowledged - began) / series.resolution, 0.0)
        gone = (float(series.values[index]) - base_w) / (came_w - base_w)
        if index > first and gone > _CAME_RATIO:
            break
        missing_s += (due - gone) * dt_s
    return timedelta(seconds=max(missing_s, 0.0)) if np.isfinite(missing_s) else timedelta(0)


def _running(after: Floats, base_w: float | None, least_w: float) -> LevelFinding:
    """Judge whether it runs: what has nothing to do is on, and draws nothing."""
    if np.count_nonzero(after >= least_w) < _RUNNING_INTERVALS:
        return _unknown(EffectReason.NOTHING_TO_DO)
    ran = base_w is not None and base_w >= least_w
    return LevelFinding(
        effect=Effect.CONFIRMED, reason=EffectReason.NO_STEP if ran else EffectReason.NONE
    )


def _ceiling(
    after: Floats, base_w: float | None, most_w: float, tolerance_w: float
) -> LevelFinding:
    """Judge a limit: kept, and whether anything had to change for it."""
    kept = after <= most_w + tolerance_w
    median_w = float(np.median(after))
    exceeded = base_w is not None and base_w > most_w + tolerance_w
    achieved = (base_w - median_w) / (base_w - most_w) if base_w is not None and exceeded else None
    if kept.mean() >= AT_RATIO:
        binds = np.mean(np.abs(after - most_w) <= tolerance_w) >= _BINDS_RATIO
        if exceeded or (binds and abs(most_w) > tolerance_w):
            return LevelFinding(effect=Effect.CONFIRMED, achieved_ratio=achieved)
        return _unknown(EffectReason.NOT_BINDING)
    moved = achieved is not None and achieved >= LEAST_MOVE_RATIO
    return LevelFinding(
        effect=Effect.PARTIAL if moved else Effect.NONE,
        reason=EffectReason.LOST if kept[:_CAME_INTERVALS].all() else EffectReason.NONE,
        achieved_ratio=achieved,
    )
