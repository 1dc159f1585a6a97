"""An agenda and a ledger for control, in memory; both can be away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from tests.fakes.control_books import FakeBooks
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId


class FakeLedger:
    """Ledger over one set of books."""

    def __init__(self, books: FakeBooks) -> None:
        self._books = books
        self.away = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeBooks]:
        if self.away:
            raise Unavailable("DATABASE_UNAVAILABLE", "the database is away")
        yield self._books


class FakeAgenda:
    """Agenda read from books."""

    def __init__(self, books: FakeBooks) -> None:
        self._books = books

    async def next(self, after: datetime) -> datetime | None:
        return min((each for each in self._instants() if each > after), default=None)

    async def due(self, after: datetime, until: datetime) -> list[DeviceId]:
        return list({wish.device for wish in self._books.wishes.all.values()})

    async def active(self, now: datetime) -> list[DeviceId]:
        return list({wish.device for wish in self._books.wishes.all.values()})

    def _instants(self) -> list[datetime]:
        spans = [wish.span for wish in self._books.wishes.all.values()]
        return [end for span in spans for end in (span.start, span.end)]
