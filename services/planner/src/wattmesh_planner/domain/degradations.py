"""What a plan was made without knowing, as data: alarms and tests act on it, words come last."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, assert_never

from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why


class Remedy(Enum):
    """What was done about something that was not known."""

    ASSUMED = "assumed"
    """A value was taken in its place."""
    LEFT_OUT = "left_out"
    """The asset is not steered by this plan."""
    IGNORED = "ignored"
    """The plan does without it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Degradation:
    """What was not known about `subject` (a resource name), why, and what was done about it."""

    subject: str
    topic: Topic
    remedy: Remedy
    reason: Reason
    detail: str = ""
    age: timedelta | None = None

    @classmethod
    def of(
        cls, subject: str, why: Why, remedy: Remedy, age: timedelta | None = None
    ) -> "Degradation":
        """Return what `why` means for a subject."""
        return cls(
            subject=subject,
            topic=why.topic,
            remedy=remedy,
            reason=why.reason,
            detail=why.detail,
            age=age,
        )


def degradations_of(
    subject: str, facts: Iterable[Fact[Any]], if_missing: Remedy
) -> Iterator[Degradation]:
    """Yield what is assumed, and what is missing, of a subject."""
    for fact in facts:
        match fact:
            case Known():
                continue
            case Assumed(why=why, age=age):
                yield Degradation.of(subject, why, Remedy.ASSUMED, age)
            case Missing(why=why, age=age):
                yield Degradation.of(subject, why, if_missing, age)
            case _:
                assert_never(fact)


_TOPICS = {
    Topic.STATE: "state",
    Topic.FORECAST: "forecast",
    Topic.TARIFF: "price",
    Topic.BILLING_STATE: "bill so far",
    Topic.CARBON: "carbon intensity",
    Topic.WEATHER: "weather",
    Topic.SESSIONS: "charging sessions",
    Topic.WISHES: "wishes",
    Topic.EVENTS: "events",
    Topic.SITE_MODEL: "site model",
    Topic.EXECUTION: "execution",
}
_REASONS = {
    Reason.NEVER_REPORTED: "never reported",
    Reason.STALE: "too old",
    Reason.SERVICE_UNAVAILABLE: "its service did not answer",
    Reason.NOT_AVAILABLE: "not available",
    Reason.NOT_PUBLISHED: "not published",
    Reason.KIND_NOT_PLANNED: "assets of its kind are not planned",
    Reason.NO_CONTROLLER: "no device controls it",
    Reason.INCOMPLETE_SITE_MODEL: "incomplete",
    Reason.REQUIREMENT_UNMET: "a requirement is not met",
    Reason.SETPOINT_LIMITED: "a setpoint was limited",
    Reason.SOLVER_TIME_LIMIT: "the solver ran out of time",
    Reason.NOT_IDENTIFIED: "not identified",
    Reason.INCOMPLETE: "known in part",
}
_REMEDIES = {
    Remedy.ASSUMED: "assumed",
    Remedy.LEFT_OUT: "left out",
    Remedy.IGNORED: "planned without it",
}


def in_words(degradation: Degradation) -> str:
    """Return a degradation as a sentence.

    `sites/home-1/assets/battery: state: too old, last known 2:00:00 ago; assumed`.
    """
    age = "" if degradation.age is None else f", last known {_to_the_second(degradation.age)} ago"
    detail = f" ({degradation.detail})" if degradation.detail else ""
    return (
        f"{degradation.subject}: {_TOPICS[degradation.topic]}: {_REASONS[degradation.reason]}"
        f"{age}{detail}; {_done_about(degradation)}"
    )


def _done_about(degradation: Degradation) -> str:
    if degradation.reason is Reason.SOLVER_TIME_LIMIT:
        return "the best plan found in time is used"  # the plan does without nothing
    return _REMEDIES[degradation.remedy]


def _to_the_second(age: timedelta) -> timedelta:
    return timedelta(seconds=round(age.total_seconds()))
