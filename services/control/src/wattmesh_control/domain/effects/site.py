"""What the meter of a site says of one device over all of its edges."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from wattmesh_control.domain.effects.evidence import Evidence, Question
from wattmesh_control.domain.effects.steps import Edge, StepAnswer, StepFinding, judge_step
from wattmesh_control.domain.effects.stories import Told, told_together
from wattmesh_control.domain.effects.verdict import Standing
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.series import Series

_DECISIVE = (StepAnswer.AGREES, StepAnswer.STILL, StepAnswer.CONTRARY)
_ONE_EDGE_RATIO = 0.1
"""When one edge alone decides: how loud the site may be, as a share of the step."""

Claims = Mapping[DeviceId, Series | float]


def hear_site(
    question: Question, evidence: Evidence, grid: Series, *, own_claims: bool
) -> StepFinding:
    """Ask the site's meter at both edges of a command, and at those before where they do not tell.

    `own_claims`: whether the device's own meter says how far it stepped; otherwise what it was
    told counts.
    """
    claims = evidence.claims if own_claims else _without(evidence.claims, evidence.begin.device)
    found: list[StepFinding] = []
    for edge, told_w in zip((evidence.begin, evidence.finish), evidence.told_w, strict=True):
        if edge is None:
            continue
        asked = dict(claims)
        if not own_claims and told_w is not None:
            asked[edge.device] = told_w
        end = question.held.end if edge is evidence.begin else grid.end
        found.append(_step(evidence, grid, edge, asked, end))
    agreed = _agreed(found)
    if agreed.answer in _DECISIVE or not own_claims:
        return agreed
    return _with_edges_before(agreed, found, evidence, grid)


def _with_edges_before(
    agreed: StepFinding, found: Sequence[StepFinding], evidence: Evidence, grid: Series
) -> StepFinding:
    device, begin = evidence.begin.device, evidence.begin.begin
    own = sorted((x for x in evidence.edges if x.device == device), key=lambda each: each.begin)
    before = [
        _step(evidence, grid, edge, evidence.claims, following.begin)
        for edge, following in pairwise(own)
        if edge.begin < begin
    ]
    told = told_together(before, found)
    loudest = max(found, key=lambda each: abs(each.claim_w) / (each.noise_w or 1.0))
    return replace(loudest, answer=_answer(told, agreed, evidence.standing))


def _answer(told: Told, agreed: StepFinding, standing: Standing) -> StepAnswer:
    """Return what is known: by every edge, or by most where the device was last contradicted."""
    if told.surely is not None:
        return told.surely
    if standing is Standing.CONTRADICTED and told.likely in (
        StepAnswer.STILL,
        StepAnswer.CONTRARY,
    ):
        return told.likely
    against = standing is Standing.VOUCHED and told.likely not in (None, StepAnswer.AGREES)
    return StepAnswer.DOUBTED if against else agreed.answer


def _step(
    evidence: Evidence, grid: Series, edge: Edge, claims: Claims, end: datetime
) -> StepFinding:
    others = tuple(each for each in evidence.edges if each != edge)
    return judge_step(grid, edge, others, claims, end)


def _without(claims: Claims, device: DeviceId) -> Claims:
    return {each: claim for each, claim in claims.items() if each != device}


def _agreed(found: list[StepFinding]) -> StepFinding:
    """Return what both edges say together.

    One edge alone has to be a loud one; and it does not confirm where another load may have come
    in between: when several devices stepped at it, or when no story fits the other edge.
    """
    decisive = [each for each in found if each.answer in _DECISIVE]
    if not decisive:
        return found[0]
    if len({each.answer for each in decisive}) > 1:
        return replace(decisive[0], answer=StepAnswer.NO_STORY)
    best = max(decisive, key=lambda each: abs(each.claim_w) / (each.noise_w or 1.0))
    if len(decisive) > 1:
        return best
    if (best.noise_w or 0.0) > _ONE_EDGE_RATIO * abs(best.claim_w):
        return replace(best, answer=StepAnswer.NOISE)
    if best.rivals:
        return replace(best, answer=StepAnswer.AMBIGUOUS)
    disturbed = any(each.answer is StepAnswer.NO_STORY for each in found)
    confirms = best.answer is StepAnswer.AGREES
    return replace(best, answer=StepAnswer.NO_STORY) if disturbed and confirms else best
