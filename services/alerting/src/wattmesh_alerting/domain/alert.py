"""An alert and its life."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from wattmesh_alerting.domain.appraisal import APPRAISED, Appraisal
from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.rules import RULES, Severity, Traits
from wattmesh_kernel.money import Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """That somebody took an alert on."""

    owner: str
    note: str
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """A condition that lasts, or lasted.

    `start_time` is when it first held. `fire_time`: None until it has lasted for long enough.
    `gone_time`: since when it does not hold; None: it holds. `appraisal`: what a plan says is at
    stake, as of when it was raised; None: nobody has found out, or there is nothing to find.
    """

    condition: Condition
    start_time: datetime
    name: str = ""
    fire_time: datetime | None = None
    gone_time: datetime | None = None
    end_time: datetime | None = None
    occurrences: int = 1
    appraisal: Appraisal | None = None

    @property
    def traits(self) -> Traits:
        """Its rule, as it is set."""
        return RULES[self.condition.rule]

    @property
    def severity(self) -> Severity:
        """How urgent it is."""
        return self.traits.severity

    @property
    def summary(self) -> str:
        """What is the matter, with what."""
        return f"{self.condition.subject}: {self.traits.title}"

    @property
    def at_stake(self) -> Money | None:
        """How much money, as things go; None: nobody can tell."""
        if self.condition.at_stake is not None or self.appraisal is None:
            return self.condition.at_stake
        return self.appraisal.amount

    @property
    def description(self) -> str:
        """How it came about, and how what is at stake was reckoned."""
        words = (self.condition.description, self.appraisal.words if self.appraisal else "")
        return "; ".join(each for each in words if each)

    @property
    def links(self) -> tuple[str, ...]:
        """Resources that say more; one that has none of its own leads to its subject, too."""
        own = self.condition.links
        if self.appraisal is None:
            return own
        named = own or (self.condition.subject,)
        return tuple(dict.fromkeys((*named, self.appraisal.plan)))

    @property
    def wants_appraisal(self) -> bool:
        """Whether a plan could say what is at stake, and was not asked."""
        return self.fires and self.appraisal is None and self.condition.rule in APPRAISED

    @property
    def fires(self) -> bool:
        """Whether it is an alert and not over."""
        return self.fire_time is not None and self.end_time is None

    def seen(self, condition: Condition) -> "Alert":
        """Return it with the condition as it is now; one that had gone has come back."""
        came_back = self.gone_time is not None and condition.since >= self.gone_time
        return replace(
            self,
            condition=condition,
            gone_time=None,
            start_time=condition.since if came_back and not self.fires else self.start_time,
            occurrences=self.occurrences + came_back,
        )

    def gone(self, since: datetime) -> "Alert":
        """Return it with its condition gone."""
        return self if self.gone_time is not None else replace(self, gone_time=since)

    def at(self, now: datetime, name: Callable[[Condition, datetime], str]) -> "Alert | None":
        """Return what it is by now: raised, over, the same, or None: it was nothing."""
        traits = self.traits
        if self.fire_time is None:
            if self.gone_time is not None:
                return None
            if now - self.start_time < traits.lasting:
                return self
            return replace(self, name=name(self.condition, now), fire_time=now)
        over = self.gone_time is not None and now - self.gone_time >= traits.keeping
        return replace(self, end_time=now) if over else self


def first_seen(condition: Condition) -> Alert:
    """Return what may become an alert."""
    return Alert(condition=condition, start_time=condition.since)
