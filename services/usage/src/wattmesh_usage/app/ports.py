"""What usage needs from outside."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_usage.domain.departures import PastStay
from wattmesh_usage.domain.needs import ChargingNeed
from wattmesh_usage.domain.records import Changes, Kind, Parent, Record, Resource
from wattmesh_usage.domain.runs import DeferrableRun
from wattmesh_usage.domain.sessions import ChargingSession
from wattmesh_usage.domain.vehicles import Vehicle


class Change(Protocol):
    """One change, alone among all replicas: what was read still holds when it is committed."""

    async def find(self, name: str) -> Record[Resource] | None:
        """Return what is kept under a name, unless it is deleted."""

    async def put(self, resource: Resource) -> Record[Resource]:
        """Keep a resource."""

    async def delete(self, name: str) -> None:
        """Delete a resource; its past stays."""

    async def first_answer(self, kind: Kind, request_id: str, name: str) -> str | None:
        """Take note of a request; return the name that it created before, None: it is new."""

    async def open_sessions(self, site: SiteId) -> Sequence[ChargingSession]:
        """Return the sessions of a site that have not ended."""

    async def sessions_of(self, asset: AssetId, since: datetime) -> Sequence[ChargingSession]:
        """Return the sessions of a charge point that had not ended by then."""

    async def open_needs(self, site: SiteId) -> Sequence[ChargingNeed]:
        """Return the needs of a site that are not final."""

    async def past_stays(self, site: SiteId, most: int) -> Sequence[PastStay]:
        """Return the newest sessions of a site that have ended, with what was declared."""

    async def vehicle_with(self, token: str) -> Vehicle | None:
        """Return the vehicle that identifies itself so."""

    async def needs_until(self, moment: datetime) -> Sequence[ChargingNeed]:
        """Return the needs that are not final although their time has come."""

    async def runs_until(self, moment: datetime) -> Sequence[DeferrableRun]:
        """Return the runs that are not final although their window has ended."""


class Records(Protocol):
    """Where everything is kept."""

    def change(self) -> AbstractAsyncContextManager[Change]:
        """Change something; committed at the end."""

    async def get(self, name: str) -> Record[Resource] | None:
        """Return what is kept under a name, unless it is deleted."""

    async def list(
        self, kind: Kind, parent: Parent, span: TimeRange | None, after: str, limit: int
    ) -> Sequence[Record[Resource]]:
        """Return at most `limit` that follow the one named `after`, in the order of their list."""

    async def since(self, revision: int, parent: Parent) -> Changes:
        """Return what changed since a revision; everything that is open where that is not known."""


class Zones(Protocol):
    """Where sites are."""

    def zone(self, site: SiteId) -> ZoneInfo:
        """Return the time zone of a site; UTC where it is not known."""
