"""What demand response needs from outside."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.participation import Participation
from wattmesh_demandresponse.domain.records import Changes, Kind, Parent, Record, Resource
from wattmesh_demandresponse.domain.site_limits import SiteLimit
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.programme_ids import EventId, ProgrammeId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class Change(Protocol):
    """One change, alone among all replicas: what was read still holds when it is committed."""

    async def find(self, name: str) -> Record[Resource] | None:
        """Return what is kept under a name, unless it is deleted."""

    async def put(
        self, resources: Sequence[tuple[Resource, datetime | None]]
    ) -> Sequence[Record[Resource]]:
        """Keep resources, each with when something of it falls due by itself."""

    async def delete(self, name: str) -> None:
        """Delete a resource; its past stays."""

    async def first_answer(self, kind: Kind, request_id: str, name: str) -> str | None:
        """Take note of a request; return the name that it created before, None: it is new."""

    async def enrolments(self, programme: ProgrammeId) -> Sequence[Enrolment]:
        """Return the enrolments of a programme, by name."""

    async def events(self, programme: ProgrammeId, span: TimeRange | None) -> Sequence[Event]:
        """Return the events of a programme that begin within a span; None: those still open."""

    async def participations(self, event: EventId) -> Sequence[Participation]:
        """Return the participations in an event, by name."""


class Records(Protocol):
    """Where everything is kept."""

    def change(self) -> AbstractAsyncContextManager[Change]:
        """Change something; committed at the end."""

    async def get(self, name: str) -> Record[Resource] | None:
        """Return what is kept under a name, unless it is deleted."""

    async def list(
        self, kind: Kind, query: "Query", after: str, limit: int
    ) -> Sequence[Record[Resource]]:
        """Return at most `limit` that follow the one named `after`, in the order of their list."""

    async def due(self, kind: Kind, now: datetime, limit: int) -> Sequence[Resource]:
        """Return at most `limit` of a kind that fall due by then, the longest due first."""

    async def open_events(self) -> Sequence[tuple[Event, Sequence[Participation]]]:
        """Return every event that is not over, with its participations."""

    async def event_ranges(self, subject: str, span: TimeRange) -> Sequence[TimeRange]:
        """Return when there were events of a site or group within a span."""

    async def since(self, revision: int, programme: ProgrammeId | None) -> Changes:
        """Return what changed since a revision; below 0: everything that is open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What a list is limited to."""

    parent: Parent = field(default_factory=Parent)
    span: TimeRange | None = None
    subject: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteredSite:
    """A site with the asset that is its grid connection."""

    site: SiteId
    connection: AssetId
    zone: ZoneInfo


class Sites(Protocol):
    """What sites there are."""

    def of(self, subject: str) -> Sequence[MeteredSite]:
        """Return the sites of `sites/{site}` or `groups/{group}`. Error: NotFound."""


class Meter(Protocol):
    """What was metered."""

    async def net_power_w(
        self,
        connections: Collection[AssetId],
        span: TimeRange,
        resolution: timedelta,
        known_by: datetime | None,
    ) -> Series:
        """Return the summed mean power at grid connections [W], import positive, NaN: unknown."""


class Limits(Protocol):
    """Who has devices keep limits."""

    async def placed(self) -> Mapping[str, str]:
        """Return the names of the limits that were placed from here, by subject."""

    async def place(self, limit: SiteLimit) -> str:
        """Have a limit kept in place of the one before; return its name."""

    async def withdraw(self, name: str) -> None:
        """Have a limit kept no more."""
