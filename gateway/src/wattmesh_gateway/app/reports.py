"""What goes up to control: reports on commands and whether devices answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from wattmesh_gateway.app.ports import CommandJournal
from wattmesh_gateway.domain.command import Command, CommandReport, CommandState
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_kernel.clock import Clock

News = CommandReport | DeviceStatus


class Reports:
    """Journals every report; hands it on to the stream to control while one is open."""

    def __init__(self, journal: CommandJournal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._stream: asyncio.Queue[News] | None = None

    async def report(
        self,
        command: Command,
        state: CommandState,
        *,
        value: float | None = None,
        message: str = "",
    ) -> None:
        """Keep what became of a command, and tell it."""
        report = CommandReport(
            command=command.id,
            state=state,
            report_time=self._clock.now(),
            value=value,
            message=message,
        )
        await self._journal.save(command, report)
        self.tell(report)

    def tell(self, news: News) -> None:
        """Tell control, if it listens. Untold reports are told when it does."""
        if self._stream is not None:
            self._stream.put_nowait(news)

    @contextmanager
    def listening(self) -> Iterator["asyncio.Queue[News]"]:
        """Hand everything that is told to the queue, which a stream empties."""
        queue: asyncio.Queue[News] = asyncio.Queue()
        self._stream = queue
        try:
            yield queue
        finally:
            if self._stream is queue:
                self._stream = None
