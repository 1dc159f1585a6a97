"""How to solve, and how good a plan is said to be."""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

UNPROVEN_GAP = 1.0
"""Gap reported when nothing is known about how good a plan is."""


class Division(Enum):
    """Whether sites that share limits are planned in one matrix or apart, by prices."""

    AUTOMATIC = "automatic"
    TOGETHER = "together"
    APART = "apart"


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveOptions:
    """How to solve: wall time, gap that suffices for a mixed-integer plan, whether to say why.

    `spent`: the part of the time that has gone already, reading the problem. `division`: a choice
    where there is one; sites that share more than sums of their exchange are planned together.
    """

    time_limit: timedelta = timedelta(seconds=10)
    gap_ratio: float = 0.001
    explain: bool = False
    spent: timedelta = timedelta(0)
    division: Division = Division.AUTOMATIC


def gap_ratio(objective: float, bound: float) -> float:
    """Return how far a cost may be from the best: cost 10, bound 9.9 → 0.01; 0 at rounding.

    Without a bound nothing is known: 1.
    """
    if not math.isfinite(bound):
        return UNPROVEN_GAP
    gap = objective - bound
    if gap <= 1e-6 * max(1.0, abs(objective)):
        return 0.0
    return gap / max(abs(objective), 1e-9)
