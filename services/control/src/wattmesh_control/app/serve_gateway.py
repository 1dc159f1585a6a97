"""Hold a gateway's stream: send it what waits, and take in what it reports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, assert_never

from wattmesh_control.app.links import Carry, GatewayLink, GatewayLinks, Order, TakeBack
from wattmesh_control.app.ports import CommandArchive
from wattmesh_control.app.record_reports import CommandReport, DeviceStatus, RecordReports
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import GatewayId

GatewayMessage: TypeAlias = CommandReport | DeviceStatus
Send: TypeAlias = Callable[[Order], Awaitable[None]]


class ServeGateway:
    """Serves one stream after the other of every gateway; the newest of each counts.

    A stream on which something cannot be stored is ended with the error: the gateway dials in
    again, gets its unfinished commands again and answers them again.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        links: GatewayLinks,
        archive: CommandArchive,
        reports: RecordReports,
    ) -> None:
        self._clock = clock
        self._links = links
        self._archive = archive
        self._reports = reports

    async def __call__(
        self, gateway: GatewayId, messages: AsyncIterator[GatewayMessage], send: Send
    ) -> None:
        """Return when the gateway hangs up. Error: Aborted when a newer stream took over."""
        link = self._links.attach(gateway)
        try:
            await self._resume(link)
            await _first_to_end(
                self._read(gateway, messages), self._write(link, send), link.until_ended()
            )
        finally:
            self._links.detach(link)

    async def _resume(self, link: GatewayLink) -> None:
        """Send again what was under way: a command carried out already is not written twice."""
        now = self._clock.now()
        for command in await self._archive.recalled(link.gateway, now):
            link.put(TakeBack(command))
        for command in await self._archive.unfinished(link.gateway, now):
            link.put(Carry(command))

    async def _read(self, gateway: GatewayId, messages: AsyncIterator[GatewayMessage]) -> None:
        async for message in messages:
            match message:
                case CommandReport():
                    await self._reports.command(gateway, message)
                case DeviceStatus():
                    await self._reports.device(gateway, message)
                case _:
                    assert_never(message)

    async def _write(self, link: GatewayLink, send: Send) -> None:
        while True:
            orders = await link.orders()
            going = await self._reports.sending(
                {order.command.command for order in orders if isinstance(order, Carry)}
            )
            for order in orders:
                if isinstance(order, TakeBack) or order.command.command in going:
                    going.discard(order.command.command)  # offered and resumed at once: sent once
                    await send(order)


async def _first_to_end(*works: Coroutine[Any, Any, None]) -> None:
    """Run until one ends, stop the others, and raise the error of the one that failed."""
    tasks: set[asyncio.Task[Any]] = {asyncio.create_task(work) for work in works}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
