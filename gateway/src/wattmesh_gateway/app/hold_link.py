"""Holds the line to control: commands down, reports up."""

import asyncio
import logging
from datetime import timedelta
from typing import assert_never

from wattmesh_gateway.app.carry_commands import CarryCommands
from wattmesh_gateway.app.loop.run_loops import RunLoops
from wattmesh_gateway.app.ports import (
    Activate,
    AskedClock,
    Cancel,
    CommandJournal,
    ControlLink,
    ControlStream,
    Dispatch,
    PoliciesTaken,
    Steer,
)
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.app.reports import News, Reports
from wattmesh_gateway.domain.command import CommandReport, SetpointEvent, SetpointMoves
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_gateway.domain.loop_event import LoopEvent
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

_MARK_SECONDS = 0.1
"""How long reports that were sent gather before that is noted on disk [s of the wall]."""

_REMEMBERED = timedelta(days=7)
"""How long a command is known after the end of its lease."""


class HoldLink:
    """Dials control, for ever."""

    def __init__(
        self,
        link: ControlLink,
        carry: CarryCommands,
        reports: Reports,
        journal: CommandJournal,
        reachability: Reachability,
        loops: RunLoops,
        clock: Clock,
    ) -> None:
        self._link = link
        self._carry = carry
        self._reports = reports
        self._journal = journal
        self._reachability = reachability
        self._loops = loops
        self._clock = clock
        self._loss = LossLog(log, "control")
        reachability.on_change(reports.tell)

    async def run(self) -> None:
        """Open a stream, hold it, and open the next when it breaks."""
        backoff = Backoff(most_seconds=2.0)
        while True:
            try:
                async with self._link.open() as stream:
                    self._loss.back()
                    backoff.reset()
                    await self._hold(stream)
                self._loss.lost("the stream ended")
            except WattmeshError as error:
                self._loss.lost(error)
            await backoff.wait()

    async def _hold(self, stream: ControlStream) -> None:
        now = self._clock.now()
        await self._journal.forget_before(now - _REMEMBERED)
        with self._reports.listening() as news:
            for status in self._reachability.settled:
                news.put_nowait(status)
            for report in await self._journal.to_report(now):
                news.put_nowait(report)
            sent: asyncio.Queue[CommandReport] = asyncio.Queue()
            await race(
                self._tell_all(stream, news, sent),
                self._mark_all(sent),
                self._take_orders(stream, news),
            )

    async def _mark_all(self, sent: "asyncio.Queue[CommandReport]") -> None:
        """Take note of what was sent, together and behind it: no report waits for the disk.

        What was sent and not noted, at the end of the process, is sent again.
        """
        while True:
            reports = [await sent.get()]
            await asyncio.sleep(_MARK_SECONDS)
            while not sent.empty():
                reports.append(sent.get_nowait())
            await self._journal.mark_reported(reports)

    async def _tell_all(
        self,
        stream: ControlStream,
        news: "asyncio.Queue[News]",
        sent: "asyncio.Queue[CommandReport]",
    ) -> None:
        while True:
            match await news.get():
                case CommandReport() as report:
                    await stream.report(report)
                    sent.put_nowait(report)
                case DeviceStatus() as status:
                    await stream.tell(status)
                case SetpointEvent() as event:
                    await stream.tell_event(event)
                case SetpointMoves() as moves:
                    await stream.tell_moves(moves)
                case LoopEvent() as loop_event:
                    await stream.tell_loop_event(loop_event)
                case AskedClock() as asked:
                    await stream.tell_clock(asked)
                case PoliciesTaken() as taken:
                    await stream.tell_policies_taken(taken)

    async def _take_orders(self, stream: ControlStream, news: "asyncio.Queue[News]") -> None:
        async for order in stream.orders():
            match order:
                case Dispatch(command=command):
                    await self._carry.dispatch(command)
                case Cancel(command=command_id, device=device):
                    await self._carry.cancel(command_id, device)
                case AskedClock():
                    news.put_nowait(order)
                case Steer(policies=policies):
                    if await self._loops.take(policies):
                        news.put_nowait(
                            PoliciesTaken(issue_time=policies.issue_time, time=self._clock.now())
                        )
                case Activate(signal=signal):
                    self._loops.activate(signal)
                case _:
                    assert_never(order)
