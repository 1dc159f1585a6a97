"""What the use cases need from outside."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from wattmesh_kernel.ids import DeviceId, TariffId
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.prices import Publication, PublishedPrice
from wattmesh_metering.domain.readings import (
    Ints,
    Newest,
    RegisteredPoint,
    Rejection,
    Rows,
)
from wattmesh_metering.domain.records import Document, ModelNews, Record, RecordKind
from wattmesh_metering.domain.rollups import PointDays


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """The request id is new."""


@dataclass(frozen=True, slots=True)
class RepeatedRequest:
    """The same request came before."""


@dataclass(frozen=True, slots=True)
class RequestIdTaken:
    """The request id belongs to a request for something else."""


RequestOutcome: TypeAlias = FirstRequest | RepeatedRequest | RequestIdTaken


class RecordChange(Protocol):
    """One change of the site model, while nobody else changes it; done at once or not at all."""

    async def request(self, document: Document, request_id: str) -> RequestOutcome:
        """Take note of a request to create something, and say whether it came before."""

    async def find(self, name: str) -> Record | None:
        """Return the record of that name, be it deleted."""

    async def present(self, names: Collection[str]) -> frozenset[str]:
        """Return those of the names that are there and not deleted."""

    async def referring(
        self, names: Collection[str], kind: RecordKind | None = None
    ) -> Sequence[Record]:
        """Return what refers to one of the names and is not deleted, by name."""

    async def put(self, document: Document, kept: Record | None, now: datetime | None) -> Record:
        """Keep a document in the place of the kept one, or as a new one, known from `now` on.

        None: since before such times were kept.
        Error: FailedPrecondition `POINT_HAS_READINGS` when a device gives up such a point.
        """

    async def delete(self, record: Record, now: datetime) -> None:
        """Mark a record as deleted."""


class Records(Protocol):
    """The site model as it is kept."""

    def change(self) -> AbstractAsyncContextManager[RecordChange]:
        """Change the model; committed with a new revision when left without error."""

    async def get(self, name: str) -> Record | None:
        """Return the record of that name, unless it is deleted."""

    async def get_as_known(self, name: str, known_by: datetime) -> Record | None:
        """Return a site as it was known at a time, or first, unless it was deleted by then."""

    async def list(
        self, kind: RecordKind, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Record]:
        """Return at most `limit` that are not deleted and whose names follow `after`, by name.

        Filters: `site`, `gateway`, and for sites `group`, and `sites`: of those names, with a blank
        between; one that is not given is open.
        """


class ModelHistory(Protocol):
    """What changed in the site model when."""

    async def since(self, revision: int) -> ModelNews:
        """Return what changed since a revision, or the whole model when that is not known."""


class ModelListener(Protocol):
    """Whoever has to hear of a change that was just committed."""

    async def catch_up(self) -> None:
        """Hear of everything that is committed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedTariff:
    """A tariff and published prices of it."""

    record: Record
    tariff: Tariff
    prices: Sequence[PublishedPrice] = ()


class PriceBook(Protocol):
    """The published prices of tariffs."""

    async def publish(self, publication: Publication) -> None:
        """Keep prices; the same publication again replaces itself. A change of the site model."""

    async def priced(
        self, tariff: TariffId, span: TimeRange | None, known_by: datetime | None
    ) -> PricedTariff | None:
        """Return a tariff and every price that holds in the span, as known by then.

        One that was not there yet: as it was first known.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceCount:
    """What came of a source's readings."""

    source: str
    last_sequence: int
    stored: int
    duplicates: int
    revised: int
    rejected: Sequence[Rejection]


class IngestTransaction(Protocol):
    """What is done to the store of readings at once, or not at all."""

    async def insert(self, rows: Rows, sources: Sequence[str], owners: Ints) -> Ints:
        """Keep rows, each (point, time) once, and of another value that which stood; say the fates.

        Parameters: rows are ordered by point and time, and those of one key as they came; row i
        comes from `sources[owners[i]]`. A value that stood once never stands again by being resent.
        """

    async def count(self, counts: Sequence[SourceCount]) -> None:
        """Add to the sources' counts and keep what was refused, up to a bound."""

    async def arrived(self, touched: Touched, sources: Sequence[str]) -> None:
        """Have what was touched be judged and counted; `touched.sources`: places in `sources`."""

    async def outdate(self, late: PointDays) -> None:
        """Have roll-ups of past days be made again, for which these readings are late."""

    async def announce(self, rows: Rows) -> None:
        """Tell all watchers of newly kept rows, once the transaction is committed."""


class IngestStore(Protocol):
    """Where readings are kept."""

    async def resolve(self, names: Collection[str]) -> Mapping[str, RegisteredPoint]:
        """Return the registered points among these names."""

    def transaction(
        self, sources: Sequence[str], now: datetime
    ) -> AbstractAsyncContextManager[IngestTransaction]:
        """Open a transaction for readings that come now; committed when left without error.

        Error: Unavailable when the database is away, also at the commit.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """How readings are looked at: as known at a time (None: now), with their qualities or not.

    `substitutes`: with values in the place of those that are missing or not believed.
    """

    known_by: datetime | None = None
    qualities: bool = False
    substitutes: bool = False


NOW = View()


class ReadingStore(Protocol):
    """Kept readings that are believed, for queries."""

    async def histories(
        self, keys: Sequence[int], first: datetime, last: datetime, view: View = NOW
    ) -> Histories:
        """Return the readings of [first, last] of every key."""

    async def histories_each(
        self, spans: Mapping[int, tuple[datetime, datetime]], view: View = NOW
    ) -> Histories:
        """Return the readings of every key, each of its own [first, last]."""

    async def registers(
        self,
        keys: Collection[int],
        rollable: Collection[int],
        span_us: tuple[int, int],
        longest_gap_us: int,
        view: View = NOW,
    ) -> Histories:
        """Return what registers need to be known at quarters of an hour in a span, as of now.

        Of `rollable` points that may be their values there, instead of readings, with what those
        are worth if the view has qualities.
        """

    async def firsts_us(self, keys: Collection[int]) -> Mapping[int, int]:
        """Return when the oldest reading of each point was measured [us since 1970], if any was."""

    async def latest(self, points: Sequence[RegisteredPoint]) -> Newest:
        """Return the newest reading of each point that has one, in the order of the points."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceCount:
    """How many readings of a device are kept, and at how many distinct measure times they came.

    A telegram that came in two commits counts in each, unless a span of measure times is asked for.
    """

    device: DeviceId
    stored: int
    measure_times: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestStatistics:
    """Counts of ingestion."""

    stored: int
    duplicates: int
    revised: int
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
    revised: int
    rejected: int
    seconds: float


class IngestMeter(Protocol):
    """Where ingestion is measured."""

    def committed(self, report: GroupReport) -> None:
        """A group was committed."""

    def failed(self) -> None:
        """A group could not be committed."""
