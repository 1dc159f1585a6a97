"""The line between the processes of control: LISTEN on one connection, NOTIFY in batches."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from types import TracebackType
from typing import Self

import psycopg
from psycopg import AsyncConnection

from wattmesh_control.adapters.notice_codec import CHANNEL, notice_from_payload, payloads
from wattmesh_control.app.ports import Gap, Notice
from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import AWAY_OR_FULL, LossLog
from wattmesh_runtime.database import Database

log = logging.getLogger(__name__)

_TELL = "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payloads (payload)"

_TOGETHER_SECONDS = 0.02
"""How long notices are collected before they are told."""
_DIAL_SECONDS = 5
_TRY_SECONDS = 10.0
"""How often a silent line is tried."""


class PostgresNotices:
    """Notices; an async context manager that owns the listening connection.

    `run` tells what is to be told. Error of entering: Unavailable.
    """

    def __init__(self, url: str, database: Database, process: str) -> None:
        self._url = url
        self._database = database
        self._process = process
        self._untold: list[Notice] = []
        self._news = asyncio.Event()
        self._line: AsyncConnection | None = None

    async def __aenter__(self) -> Self:
        try:
            self._line = await self._dial()
        except (psycopg.Error, OSError, TimeoutError) as error:
            raise Unavailable("DATABASE_UNAVAILABLE", "the database is away") from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._line is not None:
            await self._line.close()

    def tell(self, notice: Notice) -> None:
        """Tell the others soon; it may be lost."""
        self._untold.append(notice)
        self._news.set()

    async def run(self) -> None:
        """Tell for ever."""
        while True:
            await self._news.wait()
            if all(each.wanted is None for each in self._untold):
                await asyncio.sleep(_TOGETHER_SECONDS)
            self._news.clear()
            untold, self._untold = self._untold, []
            said = [said for each in _merged(untold) for said in payloads(each, self._process)]
            try:
                async with self._database.connection() as connection:
                    await connection.execute(_TELL, (CHANNEL, said))
            except AWAY_OR_FULL as error:
                log.debug("%d notices are not told: %s", len(said), error)

    async def heard(self) -> AsyncIterator[Notice | Gap]:
        """Give what others tell, without an end; a gap after every loss of the line."""
        loss, backoff = LossLog(log, "the line to other processes of control"), Backoff(0.1, 5.0)
        while True:
            try:
                if self._line is None:
                    self._line = await self._dial()
                    loss.back()
                    yield Gap()
                async for notice in self._listen(self._line):
                    backoff.reset()
                    yield notice
            except (psycopg.Error, OSError, TimeoutError) as error:
                loss.lost(error)
            if self._line is not None:
                await self._line.close()
                self._line = None
            await backoff.wait()

    async def _listen(self, line: AsyncConnection) -> AsyncIterator[Notice]:
        """Give what is heard until the line is lost; a silent one is tried now and then."""
        while True:
            async for each in line.notifies(timeout=_TRY_SECONDS):
                notice = notice_from_payload(each.payload, self._process)
                if notice is not None:
                    yield notice
            async with asyncio.timeout(_DIAL_SECONDS):
                await line.execute("SELECT 1")

    async def _dial(self) -> AsyncConnection:
        async with asyncio.timeout(2 * _DIAL_SECONDS):
            line = await AsyncConnection.connect(
                self._url,
                autocommit=True,
                application_name="wattmesh-control-notices",
                connect_timeout=_DIAL_SECONDS,
            )
            await line.execute(f"LISTEN {CHANNEL}")
            return line


def _merged(notices: list[Notice]) -> list[Notice]:
    """Return fewer notices that say the same: moved commands together."""
    moved = tuple(dict.fromkeys(name for each in notices for name in each.moved))
    others = [rest for each in notices if (rest := replace(each, moved=()))]
    return [*others, *([Notice(moved=moved)] if moved else [])]
