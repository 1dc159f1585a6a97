"""What the use cases need from outside."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wattmesh_alerting.domain.alert import Acknowledgement, Alert
from wattmesh_alerting.domain.appraisal import Appraisal
from wattmesh_alerting.domain.condition import Condition, News
from wattmesh_alerting.domain.rules import Rule
from wattmesh_alerting.domain.silence import Silence
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange


class Source(Protocol):
    """A part of the mesh that is watched."""

    name: str
    """For the log: what is lost while it does not answer."""

    def news(self) -> AsyncIterator[News]:
        """Yield what holds, then what changes. It ends, or raises, when the line is broken."""


class Appraiser(Protocol):
    """Whoever knows what is at stake."""

    async def __call__(self, condition: Condition) -> Appraisal | None:
        """Return what is at stake; None: nobody can tell. Error: Unavailable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAlert:
    """An alert as it is stored, with what people did about it."""

    alert: Alert
    revision: int = 0
    acknowledgement: Acknowledgement | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertQuery:
    """Which alerts a list is about; empty: all."""

    site: SiteId | None = None
    firing: bool | None = None
    rules: frozenset[Rule] = field(default_factory=frozenset)
    fire_range: TimeRange | None = None


class AlertStore(Protocol):
    """Alerts and silences as they are kept."""

    async def put(self, alerts: Collection[Alert]) -> None:
        """Keep alerts as they are now; what people did about them stays. Error: Unavailable."""

    async def firing(self) -> Sequence[KeptAlert]:
        """Return the alerts that are not over."""

    async def get(self, name: str) -> KeptAlert | None:
        """Return the alert of that name."""

    async def page(
        self, query: AlertQuery, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[KeptAlert]:
        """Return at most `limit` alerts, newest first, that follow a place in that order."""

    async def since(self, revision: int) -> tuple[int, Sequence[KeptAlert]]:
        """Return the newest revision, and the alerts that changed after the one given."""

    async def acknowledge(self, name: str, acknowledgement: Acknowledgement) -> KeptAlert | None:
        """Keep who took an alert on; None: there is no such alert."""

    async def silence(self, silence: Silence, request_id: str) -> Silence:
        """Keep a silence; a repeat of the request returns the first one."""

    async def silences(self, now: datetime) -> Sequence[Silence]:
        """Return the silences that have not ended, newest first."""

    async def end_silence(self, name: str, now: datetime) -> bool:
        """End a silence; False: there is none in force."""


class Notifier(Protocol):
    """Whoever routes, groups and sends alerts to people."""

    async def tell(self, alerts: Collection[Alert]) -> None:
        """Tell of alerts as they are now. Error: Unavailable."""
