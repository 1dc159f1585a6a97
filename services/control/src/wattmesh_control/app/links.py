"""The streams of the gateways that are connected, and what waits to go out on them."""

import asyncio
import logging
from dataclasses import dataclass
from typing import TypeAlias

from wattmesh_control.app.ports import Observations
from wattmesh_control.domain.command import Command
from wattmesh_kernel.errors import Aborted, ResourceExhausted, WattmeshError
from wattmesh_kernel.ids import GatewayId

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Orders that may wait for a gateway that does not read, before its stream is ended."""


@dataclass(frozen=True, slots=True)
class Carry:
    """Carry a command out."""

    command: Command


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Withdraw a command: its device goes to its safe state."""

    command: Command


Order: TypeAlias = Carry | TakeBack


class GatewayLink:
    """One gateway's stream."""

    def __init__(self, gateway: GatewayId) -> None:
        self.gateway = gateway
        self._waiting: asyncio.Queue[Order] = asyncio.Queue(MOST_WAITING)
        self._ended = asyncio.Event()
        self._why: WattmeshError | None = None

    def put(self, order: Order) -> None:
        """Let an order go out next."""
        try:
            self._waiting.put_nowait(order)
        except asyncio.QueueFull:
            self.end(ResourceExhausted("GATEWAY_TOO_SLOW", f"{self.gateway} does not read"))

    def end(self, why: WattmeshError) -> None:
        """End the stream with an error."""
        self._why = self._why or why
        self._ended.set()

    async def orders(self) -> list[Order]:
        """Return what waits to go out, at least one order."""
        orders = [await self._waiting.get()]
        while not self._waiting.empty():
            orders.append(self._waiting.get_nowait())
        return orders

    async def until_ended(self) -> None:
        """Wait until `end`, and raise its error."""
        await self._ended.wait()
        if self._why is not None:
            raise self._why


class GatewayLinks:
    """The newest stream of each gateway."""

    def __init__(self, observations: Observations) -> None:
        self._observations = observations
        self._links: dict[GatewayId, GatewayLink] = {}

    def attach(self, gateway: GatewayId) -> GatewayLink:
        """Make a new stream the gateway's; an older one is ended."""
        older = self._links.get(gateway)
        link = self._links[gateway] = GatewayLink(gateway)
        if older is not None:
            older.end(Aborted("STREAM_REPLACED", f"a newer stream of {gateway} took over"))
        else:
            log.info("%s is connected", gateway)
        self._observations.gateways_connected(len(self._links))
        return link

    def detach(self, link: GatewayLink) -> None:
        """Forget a stream that has ended."""
        if self._links.get(link.gateway) is link:
            del self._links[link.gateway]
            log.warning("%s is gone", link.gateway)
            self._observations.gateways_connected(len(self._links))

    def offer(self, command: Command) -> None:
        """Send a command to its gateway, if that is connected."""
        self._put(command, Carry(command))

    def recall(self, command: Command) -> None:
        """Withdraw a command at its gateway, if that is connected."""
        self._put(command, TakeBack(command))

    def _put(self, command: Command, order: Order) -> None:
        link = None if command.target is None else self._links.get(command.target.gateway)
        if link is not None:
            link.put(order)
