"""Hold a gateway's stream: send it what waits, and take in what it reports."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol, assert_never

from wattmesh_control.app.compare_clocks import CompareClocks
from wattmesh_control.app.gateway_links import GatewayLinkState, LinkStates
from wattmesh_control.app.links import (
    Carry,
    GatewayLink,
    GatewayLinks,
    Outgoing,
    PoliciesTaken,
    TakeBack,
)
from wattmesh_control.app.ports import CommandArchive
from wattmesh_control.app.record_reports import (
    CommandReport,
    DeviceStatus,
    GatewayMessage,
    LoopNews,
    MovesNews,
    RecordReports,
    SetpointNews,
)
from wattmesh_control.app.shards import Shards
from wattmesh_control.domain.clock_skew import ClockReading
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable, WattmeshError
from wattmesh_kernel.ids import GatewayId
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)


class GatewayStream(Protocol):
    """One stream that a gateway has opened."""

    tells_clock: bool
    """Whether the gateway's clock can be asked for."""
    takes_loop_policies: bool
    """Whether the gateway said that it takes them."""
    takes_reserve_signals: bool
    """Whether it said that it takes them."""

    def messages(self) -> AsyncIterator[GatewayMessage | ClockReading | PoliciesTaken]:
        """Give what the gateway says; it ends when the gateway hangs up."""

    async def accept(self) -> None:
        """Tell the gateway that from now on this stream counts."""

    async def send(self, order: Outgoing) -> None:
        """Send one order."""


class ServeGateway:
    """Serves one stream after the other of every gateway; the newest of each counts.

    A stream counts while the gateway's shard is leased. One on which something cannot be stored is
    ended with the error: the gateway dials in again, gets its unfinished commands again and
    answers them again.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        shards: Shards,
        links: GatewayLinks,
        archive: CommandArchive,
        reports: RecordReports,
        clocks: CompareClocks,
        states: LinkStates,
    ) -> None:
        self._clock = clock
        self._shards = shards
        self._links = links
        self._archive = archive
        self._reports = reports
        self._clocks = clocks
        self._states = states

    async def __call__(self, gateway: GatewayId, stream: GatewayStream) -> None:
        """Return when the gateway hangs up. Error: Aborted when a newer stream took over."""
        link = self._links.attach(gateway, tells_clock=stream.tells_clock)
        link.takes_loop_policies = stream.takes_loop_policies
        link.takes_reserve_signals = stream.takes_reserve_signals
        try:
            await race(self._serve(link, stream), link.until_ended())
        finally:
            self._links.detach(link)
            self._clocks.forget(link)

    async def _serve(self, link: GatewayLink, stream: GatewayStream) -> None:
        if link.older is not None:
            await link.older.closed.wait()
            link.older = None
        async with self._shards.streamed(link.gateway) as lease:
            link.held, link.change_time = lease, self._clock.now()
            try:
                await lease.run(self._carry(link, lease, stream))
            finally:
                await self._say_gone(link)

    async def _carry(self, link: GatewayLink, lease: Lease, stream: GatewayStream) -> None:
        if not link.tells_clock:
            link.lease = lease
        await stream.accept()
        await race(
            self._read(link, lease, stream.messages()), _write(link, stream), self._send(link)
        )

    async def _send(self, link: GatewayLink) -> None:
        """Let the stream count, once the clocks are compared, and compare them for ever."""
        if link.tells_clock:
            await self._clocks.once(link)
            link.lease = link.held
        else:
            await self._states.put(GatewayLinkState.of(link, connected=True, skew=None))
        await self._resume(link)
        if link.tells_clock:
            await self._clocks.again(link, self._resume)
        await asyncio.Event().wait()

    async def _say_gone(self, link: GatewayLink) -> None:
        link.change_time = self._clock.now()
        state = GatewayLinkState.of(link, connected=False, skew=link.clock_skew)
        try:
            await self._states.put(state)
        except Unavailable:
            log.debug("%s is gone, and that could not be kept", link.gateway)

    async def _resume(self, link: GatewayLink) -> None:
        """Send again what was under way: a command carried out already is not written twice."""
        now = self._clock.now()
        for command in await self._archive.recalled(link.gateway, now):
            self._links.put(link, TakeBack(command))
        for command in await self._archive.unfinished(link.gateway, now):
            self._links.put_again(link, Carry(command))
        link.caught_up()

    async def _read(
        self,
        link: GatewayLink,
        lease: Lease,
        messages: AsyncIterator[GatewayMessage | ClockReading | PoliciesTaken],
    ) -> None:
        last: asyncio.Future[None] | None = None
        async for message in messages:
            if isinstance(message, ClockReading):
                link.tell_clock(message)
                continue
            if isinstance(message, PoliciesTaken):
                skew = link.clock_skew
                time = message.time if skew is None else skew.brought_home(message.time)
                link.policies_taken = replace(message, time=time)
                continue
            last = await self._reports.take(link.gateway, lease, _at_home(message, link))
            last.add_done_callback(lambda stored: _end_on_error(link, stored))
        if last is not None:
            await last  # what was said last is stored before the shard is let go


def _at_home(message: GatewayMessage, link: GatewayLink) -> GatewayMessage:
    """Return a message with its time by control's clock."""
    if link.clock_skew is None:
        return message
    match message:
        case CommandReport(reported=reported):
            time = link.clock_skew.brought_home(reported.time)
            return replace(message, reported=replace(reported, time=time))
        case DeviceStatus(time=time) | SetpointNews(time=time) | LoopNews(time=time):
            return replace(message, time=link.clock_skew.brought_home(time))
        case MovesNews(moves=moves):
            start = moves.times[0]
            return replace(
                message, moves=moves.delayed(link.clock_skew.brought_home(start) - start)
            )
        case _:
            assert_never(message)


async def _write(link: GatewayLink, stream: GatewayStream) -> None:
    while True:
        order = await link.next_order()
        if isinstance(order, Carry | TakeBack):
            link.forget([order])
        await stream.send(order)


def _end_on_error(link: GatewayLink, stored: "asyncio.Future[None]") -> None:
    error = None if stored.cancelled() else stored.exception()
    if isinstance(error, WattmeshError):
        link.end(error)
