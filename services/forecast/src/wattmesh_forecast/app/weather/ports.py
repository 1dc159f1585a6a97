"""What the use cases of weather need from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.weather.known import Candidate
from wattmesh_forecast.domain.weather.told import KeptSource, WeatherReport, WeatherSource
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportHead:
    """A report without its series."""

    name: str
    place: Location
    elevation_m: float | None
    issue_time: datetime
    member: int


@dataclass(frozen=True, slots=True)
class ReportPosition:
    """Where a page ended: the last report's issue time and name."""

    issue_time: datetime
    name: str


class WeatherTeller(Protocol):
    """Who tells on request what the weather was and will be."""

    @property
    def source(self) -> WeatherSource:
        """Who it is."""

    async def reports(self, places: Sequence[Location]) -> Sequence[WeatherReport]:
        """Return what is told now of each place, in their order. Error: Unavailable."""


class WeatherStore(Protocol):
    """What was told of the weather, and when."""

    async def add(self, source: WeatherSource, reports: Sequence[WeatherReport]) -> None:
        """Keep what a source told, and the source itself where it is not there."""

    async def candidates(
        self, place: Location, span: TimeRange, known_by: datetime, source: str = ""
    ) -> Sequence[Candidate]:
        """Return what was told by a time about a range at a place, by each source's nearest."""

    async def any(self) -> bool:
        """Return whether anything was told of any place."""


class WeatherRecords(WeatherStore, Protocol):
    """Sources and their reports, as they are kept."""

    async def source(self, segment: str) -> KeptSource | None:
        """Return a source, also a deleted one."""

    async def sources(self, after: str, limit: int) -> Sequence[KeptSource]:
        """Return sources that tell something, by name, those after a segment."""

    async def put(self, kept: KeptSource, before: KeptSource | None, request_id: str) -> bool:
        """Keep a source unless it has changed since `before`; False: it has, or is there.

        InvalidArgument when the request's id belongs to another.
        """

    async def first_answer(self, request_id: str) -> Sequence[str] | None:
        """Return what a request made when it came first."""

    async def publish(self, reports: Sequence[WeatherReport], request_id: str) -> None:
        """Keep what was told; InvalidArgument when the request's id belongs to another."""

    async def report(self, name: str) -> WeatherReport | None:
        """Return a report."""

    async def heads(
        self, source: str, span: TimeRange | None, before: ReportPosition | None, limit: int
    ) -> Sequence[ReportHead]:
        """Return reports without their series, the newest issue first."""
