"""What a check came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    """What was seen does not tell."""

    SKIPPED = "skipped"
    """It was not asked for, or the device is not made for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One check, how it ended, and what was seen."""

    check: str
    verdict: Verdict
    seen: str


def worst(outcomes: Sequence[Outcome]) -> Verdict:
    """Return what a list of checks comes to: failed if one did, passed if one did and none failed.

    Nothing that was decided: undecided.
    """
    verdicts = {each.verdict for each in outcomes}
    for verdict in (Verdict.FAILED, Verdict.PASSED):
        if verdict in verdicts:
            return verdict
    return Verdict.UNDECIDED
