"""Alerts that notify nobody for a while."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.checks import require, require_text


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """By whom, why, until when, and about what: a subject with what belongs to it, and rules.

    Error: InvalidArgument `INVALID_SILENCE` when it is about nothing or begins after its end.
    """

    name: str
    owner: str
    reason: str
    create_time: datetime
    expire_time: datetime
    subject: str = ""
    rules: frozenset[Rule] = frozenset()

    def __post_init__(self) -> None:
        require_text(self.owner, 128, "silence.owner", required=True)
        require_text(self.reason, 1000, "silence.reason", required=True)
        require(
            bool(self.subject or self.rules),
            "INVALID_SILENCE",
            "a silence is about a subject or about rules",
            "silence.subject",
        )
        require(
            self.expire_time > self.create_time,
            "INVALID_SILENCE",
            "a silence ends in the future",
            "silence.expire_time",
        )

    def covers(self, condition: Condition, now: datetime) -> bool:
        """Tell whether an alert of a condition is under it."""
        if not self.create_time <= now < self.expire_time:
            return False
        if self.rules and condition.rule not in self.rules:
            return False
        gateway = "" if condition.gateway is None else condition.gateway.name
        return (
            not self.subject
            or self.subject in (condition.subject, gateway)
            or condition.subject.startswith(f"{self.subject}/")
        )
