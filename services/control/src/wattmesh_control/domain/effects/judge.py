"""The verdict on one command: its device's own meter, held against the independent ones.

A device's own meter says best how far power came, and can invent it. An independent meter cannot:
one that measures the same asset decides; the one at the grid connection says whether the site
moved as the device claims. So a level is confirmed only when an independent meter agrees, has
lately agreed (it vouches), or there is none at the site.
"""

from dataclasses import replace
from math import erf, sqrt

from wattmesh_control.domain.effects.asked import Level, Reactive, Warmth
from wattmesh_control.domain.effects.evidence import Evidence, Question
from wattmesh_control.domain.effects.followed import judge_followed
from wattmesh_control.domain.effects.level import LevelFinding, judge_level
from wattmesh_control.domain.effects.reactive import judge_reactive
from wattmesh_control.domain.effects.site import hear_site
from wattmesh_control.domain.effects.steps import StepAnswer, StepFinding
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectBasis,
    EffectReason,
    EffectRule,
    EffectVerdict,
    Standing,
)
from wattmesh_control.domain.effects.warmth import judge_warmth
from wattmesh_control.domain.moves import Moves
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating

_STORE_MARGIN_RATIO = 0.05
_CERTAIN = 0.999
_CONFIDENCE = {EffectBasis.METER: _CERTAIN, EffectBasis.VOUCHED: 0.95, EffectBasis.OWN: 0.9}
_UNRESOLVED = {
    StepAnswer.NOISE: EffectReason.NOISE,
    StepAnswer.AMBIGUOUS: EffectReason.AMBIGUOUS,
    StepAnswer.DOUBTED: EffectReason.AMBIGUOUS,
    StepAnswer.NO_STORY: EffectReason.METERS_DISAGREE,
    StepAnswer.NOT_METERED: EffectReason.NOT_METERED,
}


def judge(question: Question, evidence: Evidence, rule: EffectRule) -> EffectVerdict:
    """Return the verdict that the evidence allows."""
    if isinstance(question.asked, Warmth):
        return judge_warmth(evidence, question.held, question.asked)
    if isinstance(question.asked, Reactive):
        return judge_reactive(
            *(evidence.own, evidence.other, question.held),
            *(question.asked, question.tolerance_w, rule),
        )
    asked_w = question.asked.power_w
    if evidence.moves is not None:
        return replace(_moved(question, evidence, evidence.moves, rule), asked_power_w=asked_w)
    own = _level(evidence.own, question, rule)
    other = _level(evidence.other, question, rule)
    found = _by_meter(own, other) if other.effect is not Effect.UNKNOWN else None
    if found is None and evidence.grid is not None:
        found = _by_grid(own, question, evidence, evidence.grid)
    if found is None:
        found = _verdict(own, EffectBasis.OWN)
    found = _with_store(found, question, evidence.soc_ratio)
    return replace(found, asked_power_w=asked_w)


def _moved(question: Question, evidence: Evidence, moves: Moves, rule: EffectRule) -> EffectVerdict:
    """Judge a command by what the gateway's loop told the device in place of what it asks.

    The loop moves a device because the site's meter moves: steps of the site say nothing of it.
    Where an independent meter could have vouched for the device's own it has to have done so.
    """
    asked, held, tolerance_w = question.asked, question.held, question.tolerance_w
    assert not isinstance(asked, Warmth | Reactive), "loops move active power alone"
    _, moved_w, _ = moves.within(held.acknowledged, held.end, asked.power_w)
    series, basis = evidence.own, EffectBasis.OWN
    if evidence.other is not None:
        series, basis = evidence.other, EffectBasis.METER
    elif evidence.grid is not None and evidence.standing is Standing.VOUCHED:
        basis = EffectBasis.VOUCHED
    level = judge_followed(series, held, asked, moves, tolerance_w, rule)
    found = replace(_verdict(level, basis), moved_power_w=moved_w)
    alone = evidence.grid is not None and basis is EffectBasis.OWN
    if alone and found.effect is Effect.CONFIRMED:
        unknown = replace(found, effect=Effect.UNKNOWN, basis=EffectBasis.NOTHING)
        return replace(unknown, reason=EffectReason.OVERRULED, confidence_ratio=0.0)
    told = replace(question, asked=Level(moved_w)) if isinstance(asked, Level) else question
    return _with_store(found, told, evidence.soc_ratio)


def _level(series: Series | None, question: Question, rule: EffectRule) -> LevelFinding:
    asked, tolerance_w = question.asked, question.tolerance_w
    assert not isinstance(asked, Warmth | Reactive), "judged by itself"
    return judge_level(series, question.held, asked, tolerance_w, rule)


def _by_meter(own: LevelFinding, other: LevelFinding) -> EffectVerdict:
    """Let the other meter of the asset decide, and say when the device's own claims otherwise."""
    found = _verdict(other, EffectBasis.METER)
    claims = own.effect is Effect.CONFIRMED and other.effect is not Effect.CONFIRMED
    late = other.reason is EffectReason.LATE
    return (
        replace(found, reason=EffectReason.OWN_METER_CONTRADICTED)
        if claims and not late
        else (found)
    )


def _by_grid(
    own: LevelFinding, question: Question, evidence: Evidence, grid: Series
) -> EffectVerdict:
    match own.effect:
        case Effect.CONFIRMED:
            step = hear_site(question, evidence, grid, own_claims=True)
            return _corroborated(own, step, evidence.standing)
        case Effect.UNKNOWN:
            step = hear_site(question, evidence, grid, own_claims=False)
            return _by_step(own, step, question)
        case Effect.PARTIAL:
            return _verdict(own, EffectBasis.OWN)
        case _:
            step = hear_site(question, evidence, grid, own_claims=False)
            return _denied(own, step)


def _corroborated(own: LevelFinding, step: StepFinding, standing: Standing) -> EffectVerdict:
    """Hold a device's claim that all is well against the step of its site."""
    found = _seen(_verdict(own, EffectBasis.GRID), step)
    contradicted = EffectReason.OWN_METER_CONTRADICTED
    match step.answer:
        case StepAnswer.AGREES:
            return found
        case StepAnswer.STILL:
            return replace(found, effect=Effect.NONE, reason=contradicted, achieved_ratio=0.0)
        case StepAnswer.CONTRARY:
            return replace(found, effect=Effect.CONTRARY, reason=contradicted, achieved_ratio=-1.0)
        case _ if standing is Standing.VOUCHED and step.answer is not StepAnswer.DOUBTED:
            return _seen(_verdict(own, EffectBasis.VOUCHED), step, confident=False)
        case _:
            reason = _UNRESOLVED[step.answer]
            if own.reason is EffectReason.NO_STEP:
                reason = EffectReason.NO_STEP
            unknown = replace(found, effect=Effect.UNKNOWN, basis=EffectBasis.NOTHING)
            return replace(unknown, reason=reason, confidence_ratio=0.0)


def _by_step(own: LevelFinding, step: StepFinding, question: Question) -> EffectVerdict:
    """Judge by the site's step alone, where the device's own meter has no word."""
    nothing = replace(_verdict(own, EffectBasis.NOTHING), confidence_ratio=0.0)
    if step.step_w is None or step.noise_w is None or not step.claim_w:
        return nothing
    found = _seen(replace(nothing, reason=EffectReason.NONE, basis=EffectBasis.GRID), step)
    ratio = step.step_w / step.claim_w
    found = replace(found, achieved_ratio=ratio)
    quiet = 2 * step.noise_w <= question.tolerance_w
    near = abs(step.step_w - step.claim_w) <= question.tolerance_w
    match step.answer:
        case StepAnswer.AGREES if quiet and near:
            return replace(found, effect=Effect.CONFIRMED)
        case StepAnswer.STILL:
            return replace(found, effect=Effect.NONE)
        case StepAnswer.CONTRARY:
            return replace(found, effect=Effect.CONTRARY)
        case _:
            return replace(nothing, step_power_w=step.step_w, noise_power_w=step.noise_w)


def _denied(own: LevelFinding, step: StepFinding) -> EffectVerdict:
    """Believe a device that does not do it, unless the site did move as it was told."""
    if step.answer is StepAnswer.AGREES:
        unknown = _seen(_verdict(own, EffectBasis.NOTHING), step, confident=False)
        disagree = EffectReason.METERS_DISAGREE
        return replace(unknown, effect=Effect.UNKNOWN, reason=disagree, confidence_ratio=0.0)
    fits = {Effect.NONE: StepAnswer.STILL, Effect.CONTRARY: StepAnswer.CONTRARY}
    seen = fits.get(own.effect) is step.answer
    return _seen(_verdict(own, EffectBasis.GRID if seen else EffectBasis.OWN), step, seen)


def _verdict(own: LevelFinding, basis: EffectBasis) -> EffectVerdict:
    known = own.effect is not Effect.UNKNOWN
    return EffectVerdict(
        effect=own.effect,
        reason=own.reason,
        basis=basis if known else EffectBasis.NOTHING,
        confidence_ratio=_CONFIDENCE.get(basis, 0.0) if known else 0.0,
        base_power_w=own.base_w,
        metered_power_w=own.metered_w,
        achieved_ratio=own.achieved_ratio,
        delay=own.delay,
    )


def _seen(found: EffectVerdict, step: StepFinding, confident: bool = True) -> EffectVerdict:
    """Add what the grid meter saw; the confidence is that of telling the step from none."""
    found = replace(found, step_power_w=step.step_w, noise_power_w=step.noise_w)
    if not confident or not step.noise_w:
        return found
    certain = 0.5 * (1 + erf(abs(step.claim_w) / 2 / step.noise_w / sqrt(2)))
    return replace(found, confidence_ratio=min(certain, _CERTAIN))


def _with_store(found: EffectVerdict, question: Question, soc_ratio: float | None) -> EffectVerdict:
    """Excuse a battery that is full or empty."""
    rating, asked = question.rating, question.asked
    less = found.effect in (Effect.PARTIAL, Effect.NONE)
    excused = found.reason in (EffectReason.NONE, EffectReason.LOST)
    if not (less and excused and isinstance(rating, BatteryRating) and isinstance(asked, Level)):
        return found
    if soc_ratio is None:
        return found
    if asked.power_w > 0 and soc_ratio >= rating.max_soc_ratio - _STORE_MARGIN_RATIO:
        return replace(found, reason=EffectReason.STORE_FULL)
    if asked.power_w < 0 and soc_ratio <= rating.min_soc_ratio + _STORE_MARGIN_RATIO:
        return replace(found, reason=EffectReason.STORE_EMPTY)
    return found
