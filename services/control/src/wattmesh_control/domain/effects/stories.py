"""What several edges say together of one device, where none of them can tell by itself.

At one edge, two devices that step at once can account for the same step of the site in more than
one way. A device's meter does not change its nature from one command to the next, though: it shows
what its device does, or invents it, or has its sign the wrong way round. So one story about each
device has to fit every edge, and sums that are equal by chance at one are not at the next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from wattmesh_control.domain.effects.steps import (
    FITS_SD,
    MAY_FIT_SD,
    MOST_RIVALS,
    SCALE_RATIO,
    StepAnswer,
    StepFinding,
)
from wattmesh_kernel.ids import DeviceId

_SHARES = (1.0, 0.0, -1.0)
_ANSWERS = {1.0: StepAnswer.AGREES, 0.0: StepAnswer.STILL, -1.0: StepAnswer.CONTRARY}
_LEAST_EDGES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What edges say together; None: that is not known.

    `surely`: by every one of them that is clear, with any one left out too, so that a load of the
    site that happens to come at one of them decides nothing. `likely`: by all clear ones together.
    """

    surely: StepAnswer | None
    likely: StepAnswer | None


def told_together(before: Sequence[StepFinding], own: Sequence[StepFinding]) -> Told:
    """Return what the edges of a command (`own`), and those of its device before, say together.

    An edge that no story fits at all has been disturbed, and is left out; where it is one of the
    command's own, nothing is sure to have happened.
    """
    heard = [x for x in (*before, *own) if x.noise_w and x.others_w is not None]
    clear = [x for x in heard if x.answer is not StepAnswer.NO_STORY]
    rivals = sorted({device for each in clear for device in each.others_w or ()})
    if not clear or len(rivals) > MOST_RIVALS:
        return Told(surely=None, likely=None)
    likely = _answer(clear, rivals)
    disturbed = any(each.answer is StepAnswer.NO_STORY for each in own)
    if len(clear) < _LEAST_EDGES or (disturbed and likely is StepAnswer.AGREES):
        return Told(surely=None, likely=likely)
    same = all(_answer(edges, rivals) is likely for edges in _all_but_one(clear))
    return Told(surely=likely if same else None, likely=likely)


def _all_but_one(heard: Sequence[StepFinding]) -> Iterator[Sequence[StepFinding]]:
    if len(heard) > _LEAST_EDGES:
        for index in range(len(heard)):
            yield [*heard[:index], *heard[index + 1 :]]


def _answer(edges: Sequence[StepFinding], rivals: Sequence[DeviceId]) -> StepAnswer | None:
    may_fit, fits = set[float](), set[float]()
    for own, *rest in product(_SHARES, repeat=1 + len(rivals)):
        shares = dict(zip(rivals, rest, strict=True))
        off_sd = max(_off_sd(each, own, shares) for each in edges)
        if off_sd <= MAY_FIT_SD:
            may_fit.add(own)
        if off_sd <= FITS_SD:
            fits.add(own)
    (only,) = may_fit if len(may_fit) == 1 else (None,)
    return _ANSWERS[only] if only is not None and only in fits else None


def _off_sd(edge: StepFinding, own: float, shares: dict[DeviceId, float]) -> float:
    """Return how far a story is off at an edge, in standard deviations of the site's noise."""
    assert edge.step_w is not None
    assert edge.noise_w
    others_w = edge.others_w or {}
    told_w = own * edge.claim_w + sum(shares[x] * y for x, y in others_w.items())
    slack_w = SCALE_RATIO * max(map(abs, (edge.claim_w, *others_w.values())))
    return max(abs(edge.step_w - told_w) - slack_w, 0.0) / edge.noise_w
