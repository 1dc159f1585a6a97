"""What the use cases need from outside."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

from wattmesh_kernel.ids import DeviceId, SiteId, TariffId
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.domain.balance import MeteredAsset
from wattmesh_metering.domain.prices import Publication, PublishedPrice
from wattmesh_metering.domain.readings import (
    History,
    Ints,
    Mask,
    Reading,
    RegisteredPoint,
    Rejection,
    Rows,
)
from wattmesh_metering.domain.selectors import PointSelector

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Created:
    """It was not there and now is."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request created it before."""


@dataclass(frozen=True, slots=True)
class NameTaken:
    """Another request has created one of that name."""


@dataclass(frozen=True, slots=True)
class RequestIdTaken:
    """The request id belongs to a request for something else."""


CreateOutcome: TypeAlias = Created | Repeated | NameTaken | RequestIdTaken


class Catalog(Protocol[V]):
    """Everything of one kind (sites, assets, ...), kept by name.

    Errors of `create` and `update`: NotFound when something it refers to is not there,
    FailedPrecondition when a rule among several resources forbids it.
    """

    async def create(self, value: V, request_id: str) -> CreateOutcome:
        """Keep a new one; an empty request id is never a repeat."""

    async def get(self, name: str) -> V | None:
        """Return the one of that name."""

    async def list(self, filters: Mapping[str, str], after: str, limit: int) -> Sequence[V]:
        """Return at most `limit` whose names follow `after`, by name.

        `filters` are those the kind knows: site, group, gateway; one that is not given is open.
        """

    async def update(self, value: V, *, allow_missing: bool) -> bool:
        """Replace the one of that name, or create it when allowed; False when it is not there."""


class PriceBook(Protocol):
    """The published prices of tariffs."""

    async def publish(self, publication: Publication) -> None:
        """Keep prices; the same publication again replaces itself."""

    async def published(
        self, tariff: TariffId, span: TimeRange, known_by: datetime | None
    ) -> Sequence[PublishedPrice]:
        """Return every price that holds in the span and was published by then."""


class Tariffs(Protocol):
    """The tariffs by name; a part of their catalog."""

    async def get(self, name: str) -> Tariff | None:
        """Return the tariff of that name, without published prices."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceCount:
    """What came of a source's readings."""

    source: str
    last_sequence: int
    stored: int
    duplicates: int
    rejected: Sequence[Rejection]


class IngestTransaction(Protocol):
    """What is done to the store of readings at once, or not at all."""

    async def kept_around(self, candidates: Rows) -> Rows:
        """Return, for every point of the candidates, all kept readings between its first and last
        candidate and the one next to them on either side."""

    async def insert(self, rows: Rows, sources: Sequence[str], owners: Ints) -> Mask:
        """Keep rows, each (point, time) once; say which of them are new.

        Parameters: row i comes from `sources[owners[i]]`.
        """

    async def count(self, counts: Sequence[SourceCount], now: datetime) -> None:
        """Add to the sources' counts and keep what was refused."""

    async def announce(self, rows: Rows) -> None:
        """Tell all watchers of newly kept rows, once the transaction is committed."""


class IngestStore(Protocol):
    """Where readings are kept."""

    async def resolve(self, names: Collection[str]) -> Mapping[str, RegisteredPoint]:
        """Return the registered points among these names."""

    def transaction(self, sources: Sequence[str]) -> AbstractAsyncContextManager[IngestTransaction]:
        """Open a transaction for readings of these sources; committed when left without error.

        Error: Unavailable when the database is away, also at the commit.
        """


class ReadingStore(Protocol):
    """Kept readings, for queries."""

    async def points(self, selectors: Sequence[PointSelector]) -> Sequence[RegisteredPoint]:
        """Return the points of the selectors, each once, in their order, `-` by name.

        Error: NotFound for a point, device or site that is not there.
        """

    async def histories(
        self, keys: Collection[int], first: datetime, last: datetime
    ) -> Mapping[int, History]:
        """Return the readings of [first, last] of every key."""

    async def latest(self, points: Sequence[RegisteredPoint]) -> Sequence[Reading]:
        """Return the newest reading of each point that has one, in the order of the points."""


class MeteredAssets(Protocol):
    """Which registers measure which asset."""

    async def of_sites(self, sites: Collection[SiteId]) -> Mapping[SiteId, Sequence[MeteredAsset]]:
        """Return all assets of each site by name; a site that is not there is left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceCount:
    """How many readings of a device are kept, and at how many distinct measure times."""

    device: DeviceId
    stored: int
    measure_times: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestStatistics:
    """Counts of ingestion."""

    stored: int
    duplicates: int
    rejected: int
    devices: tuple[DeviceCount, ...]


class Statistics(Protocol):
    """Counts of what was ingested."""

    async def count(self, source: str, span: TimeRange | None) -> IngestStatistics:
        """Count readings of a source (empty: of all), kept ones measured in the span only."""


class Announcements(Protocol):
    """Newly kept readings, of every replica."""

    def subscribe(self, keys: Collection[int]) -> AbstractAsyncContextManager[AsyncIterator[Rows]]:
        """Listen for newly kept rows of these points, from now on.

        The iterator raises Unavailable when announcements may have been lost: begin again.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupReport:
    """One committed group of batches."""

    batches: int
    stored: int
    duplicates: int
    rejected: int
    seconds: float


class IngestMeter(Protocol):
    """Where ingestion is measured."""

    def committed(self, report: GroupReport) -> None:
        """A group was committed."""

    def failed(self) -> None:
        """A group could not be committed."""
