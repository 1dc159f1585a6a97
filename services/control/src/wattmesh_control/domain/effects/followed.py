"""Whether a device did what the gateway's own loop told it in place of what its command asks.

A loop tells a device something else every few seconds, and a meter's interval may hold several of
that. So each interval is held against everything that the device was told within it and within the
settling time before: nearer than the least of that and the greatest nobody can be asked to be.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_control.domain.effects.asked import Asked, Ceiling, Floor, Level, Running
from wattmesh_control.domain.effects.frozen import stands_still
from wattmesh_control.domain.effects.level import (
    AT_RATIO,
    BASE_INTERVALS,
    LEAST_MOVE_RATIO,
    LevelFinding,
)
from wattmesh_control.domain.effects.verdict import Effect, EffectReason, EffectRule
from wattmesh_control.domain.effects.windows import (
    Floats,
    Held,
    index_from,
    index_until,
    known_within,
    values_before,
)
from wattmesh_control.domain.moves import Moves
from wattmesh_kernel.series import Series


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """By interval: the least, mean and greatest that the device was told [W]."""

    least_w: Floats
    mean_w: Floats
    most_w: Floats


def judge_followed(
    series: Series | None,
    held: Held,
    asked: Asked,
    moves: Moves,
    tolerance_w: float,
    rule: EffectRule,
) -> LevelFinding:
    """Return what a meter of the asset says of a command that a loop moved [W].

    CONFIRMED (MOVED) when nearly every interval lies where it was told to be, of limits at or below
    them; else by how much of the way from before was gone, over all intervals: PARTIAL, NONE or
    CONTRARY.
    """
    if series is None:
        return _unknown(EffectReason.NO_METER)
    settled = held.acknowledged + rule.settling
    after = known_within(series, settled, held.end)
    if after is None:
        return _unknown(EffectReason.NOT_METERED)
    if len(after) < rule.least_intervals:
        return _unknown(EffectReason.TOO_SHORT)
    before = values_before(series, held.sent, BASE_INTERVALS)
    base_w = float(np.median(before)) if before.size else 0.0
    first, last = index_from(series, settled), index_until(series, held.end)
    told = _told(series, held, first, last, asked, moves, rule)
    powers_w = series.values[first:last]
    known = np.isfinite(powers_w)
    at = _at(asked, powers_w, told, tolerance_w)[known]
    ratio = _gone(powers_w[known], told.mean_w[known], base_w, tolerance_w)
    effect, reason = _found(float(at.mean()), ratio)
    if effect is Effect.CONFIRMED and not isinstance(asked, Level) and not _binds(told, powers_w):
        effect, reason = Effect.UNKNOWN, EffectReason.NOT_BINDING
    if stands_still(series, held, settled, moved=effect is Effect.CONFIRMED):
        return _unknown(EffectReason.METER_FROZEN)
    return LevelFinding(
        effect=effect,
        reason=reason,
        base_w=base_w if before.size else None,
        metered_w=float(np.mean(after)),
        achieved_ratio=ratio,
    )


def _told(
    series: Series,
    held: Held,
    first: int,
    last: int,
    asked: Asked,
    moves: Moves,
    rule: EffectRule,
) -> _Told:
    rows = []
    for index in range(first, last):
        begin = series.start + index * series.resolution
        end = begin + series.resolution
        least_w, _, most_w = moves.within(
            max(begin - rule.settling, held.acknowledged), end, asked.power_w
        )
        _, mean_w, _ = moves.within(begin, end, asked.power_w)
        rows.append((least_w, mean_w, most_w))
    least, mean, most = np.array(rows, dtype=np.float64).T
    return _Told(least_w=least, mean_w=mean, most_w=most)


def _at(asked: Asked, powers_w: Floats, told: _Told, tolerance_w: float) -> "np.ndarray":
    below = powers_w <= told.most_w + tolerance_w
    above = powers_w >= told.least_w - tolerance_w
    match asked:
        case Ceiling():
            return np.asarray(below)
        case Floor():
            return np.asarray(above)
        case Level() | Running():
            return np.asarray(below & above)


def _gone(powers_w: Floats, told_w: Floats, base_w: float, tolerance_w: float) -> float | None:
    """Return how much of the way it went, over all intervals; None where there was none to go."""
    asked, came = told_w - base_w, powers_w - base_w
    if float(np.max(np.abs(asked))) <= tolerance_w:
        return None
    return float(np.sum(asked * came) / np.sum(asked * asked))


def _found(at_ratio: float, ratio: float | None) -> tuple[Effect, EffectReason]:
    if at_ratio >= AT_RATIO:
        return Effect.CONFIRMED, EffectReason.NO_STEP if ratio is None else EffectReason.MOVED
    if ratio is None:
        return Effect.PARTIAL, EffectReason.NONE
    if abs(ratio) < LEAST_MOVE_RATIO:
        return Effect.NONE, EffectReason.NONE
    return (Effect.PARTIAL if ratio > 0 else Effect.CONTRARY), EffectReason.NONE


def _binds(told: _Told, powers_w: Floats) -> bool:
    """Return whether a limit had anything to do: whether power came near it at all."""
    size_w = np.maximum(np.abs(told.mean_w), 1.0)
    return bool(np.nanmin(np.abs(powers_w - told.mean_w) / size_w) <= LEAST_MOVE_RATIO)


def _unknown(reason: EffectReason) -> LevelFinding:
    return LevelFinding(effect=Effect.UNKNOWN, reason=reason)
