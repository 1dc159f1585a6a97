"""Hold a gateway's stream: send it what waits, and take in what it reports."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from wattmesh_control.app.links import Carry, GatewayLink, GatewayLinks, Order, TakeBack
from wattmesh_control.app.ports import CommandArchive
from wattmesh_control.app.record_reports import GatewayMessage, RecordReports
from wattmesh_control.app.shards import Shards
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import GatewayId
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.tasks import race


class GatewayStream(Protocol):
    """One stream that a gateway has opened."""

    def messages(self) -> AsyncIterator[GatewayMessage]:
        """Give what the gateway says; it ends when the gateway hangs up."""

    async def accept(self) -> None:
        """Tell the gateway that from now on this stream counts."""

    async def send(self, order: Order) -> None:
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
    ) -> None:
        self._clock = clock
        self._shards = shards
        self._links = links
        self._archive = archive
        self._reports = reports

    async def __call__(self, gateway: GatewayId, stream: GatewayStream) -> None:
        """Return when the gateway hangs up. Error: Aborted when a newer stream took over."""
        link = self._links.attach(gateway)
        try:
            await race(self._serve(link, stream), link.until_ended())
        finally:
            self._links.detach(link)

    async def _serve(self, link: GatewayLink, stream: GatewayStream) -> None:
        if link.older is not None:
            await link.older.closed.wait()
            link.older = None
        async with self._shards.streamed(link.gateway) as lease:
            await lease.run(self._carry(link, lease, stream))

    async def _carry(self, link: GatewayLink, lease: Lease, stream: GatewayStream) -> None:
        link.lease = lease
        await stream.accept()
        await self._resume(link)
        await race(self._read(link, lease, stream.messages()), _write(link, stream))

    async def _resume(self, link: GatewayLink) -> None:
        """Send again what was under way: a command carried out already is not written twice."""
        now = self._clock.now()
        for command in await self._archive.recalled(link.gateway, now):
            self._links.put(link, TakeBack(command))
        for command in await self._archive.unfinished(link.gateway, now):
            self._links.put(link, Carry(command))

    async def _read(
        self, link: GatewayLink, lease: Lease, messages: AsyncIterator[GatewayMessage]
    ) -> None:
        last: asyncio.Future[None] | None = None
        async for message in messages:
            last = await self._reports.take(link.gateway, lease, message)
            last.add_done_callback(lambda stored: _end_on_error(link, stored))
        if last is not None:
            await last  # what was said last is stored before the shard is let go


async def _write(link: GatewayLink, stream: GatewayStream) -> None:
    while True:
        order = await link.next_order()
        link.forget([order])
        await stream.send(order)


def _end_on_error(link: GatewayLink, stored: "asyncio.Future[None]") -> None:
    error = None if stored.cancelled() else stored.exception()
    if isinstance(error, WattmeshError):
        link.end(error)
