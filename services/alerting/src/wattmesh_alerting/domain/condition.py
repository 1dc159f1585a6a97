"""What holds somewhere in the mesh and may become an alert."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_alerting.domain.appraisal import Appraisal
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.ids import GatewayId, SiteId
from wattmesh_kernel.money import Money

Key: TypeAlias = tuple[Rule, str]
"""A rule and the name of its subject: at most one alert is open for each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """Something holds for a subject since a moment.

    `value` is held against `threshold`, both in `unit`; `links` name resources that say more.
    `at_stake`: how much money, as things go; None: nobody can tell.
    """

    rule: Rule
    subject: str
    since: datetime
    site: SiteId | None = None
    gateway: GatewayId | None = None
    description: str = ""
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    time_left: timedelta | None = None
    links: tuple[str, ...] = ()
    at_stake: Money | None = None

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.rule, self.subject


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleared:
    """A condition no longer holds since a moment."""

    rule: Rule
    subject: str
    since: datetime

    @property
    def key(self) -> Key:
        """What it was about."""
        return self.rule, self.subject


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """All that holds by some rules: whatever else was, holds no longer."""

    rules: frozenset[Rule]
    conditions: tuple[Condition, ...]
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Appraised:
    """What is at stake in an alert, by its name, was found out."""

    key: Key
    alert: str
    appraisal: Appraisal


News: TypeAlias = Condition | Cleared | Survey | Appraised


def survey(rules: Iterable[Rule], conditions: Iterable[Condition], time: datetime) -> Survey:
    """Return a survey."""
    return Survey(rules=frozenset(rules), conditions=tuple(conditions), time=time)
