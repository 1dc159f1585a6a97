"""What goes up to control: reports on commands and whether devices answer."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from wattmesh_gateway.app.ports import AskedClock, CommandJournal, PoliciesTaken
from wattmesh_gateway.domain.command import (
    Command,
    CommandReport,
    CommandState,
    SetpointEvent,
    SetpointEventType,
    SetpointMoves,
)
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_gateway.domain.loop_event import LoopEvent
from wattmesh_kernel.clock import Clock

News = (
    CommandReport
    | DeviceStatus
    | SetpointEvent
    | SetpointMoves
    | LoopEvent
    | AskedClock
    | PoliciesTaken
)

_MOST_UNTOLD = 200
"""Events that wait for control while it is away; reports on commands wait in the journal."""


class Reports:
    """Journals every report; hands it on to the stream to control while one is open."""

    def __init__(self, journal: CommandJournal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._stream: asyncio.Queue[News] | None = None
        self._untold: deque[SetpointEvent | SetpointMoves | LoopEvent] = deque(maxlen=_MOST_UNTOLD)

    async def report(
        self,
        command: Command,
        state: CommandState,
        *,
        value: float | None = None,
        message: str = "",
        overruled_by: str = "",
    ) -> None:
        """Keep what became of a command, and tell it."""
        report = CommandReport(
            command=command.id,
            state=state,
            report_time=self._clock.now(),
            value=value,
            message=message,
            overruled_by=overruled_by,
        )
        await self._journal.save(command, report)
        self.tell(report)

    def event(
        self,
        command: Command,
        type_: SetpointEventType,
        *,
        value: float | None = None,
        message: str = "",
    ) -> None:
        """Tell what happened to a setpoint, once control listens."""
        now = self._clock.now()
        self.tell(
            SetpointEvent(command=command, type=type_, event_time=now, value=value, message=message)
        )

    def tell(self, news: News) -> None:
        """Tell control, if it listens. Untold reports are told when it does."""
        if self._stream is not None:
            self._stream.put_nowait(news)
        elif isinstance(news, SetpointEvent | SetpointMoves | LoopEvent):
            self._untold.append(news)

    @contextmanager
    def listening(self) -> Iterator["asyncio.Queue[News]"]:
        """Hand everything that is told to the queue, which a stream empties."""
        queue: asyncio.Queue[News] = asyncio.Queue()
        self._stream = queue
        while self._untold:
            queue.put_nowait(self._untold.popleft())
        try:
            yield queue
        finally:
            if self._stream is queue:
                self._stream = None
