"""The streams of the gateways that are connected here, and what waits to go out on them."""

import asyncio
import logging
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from wattmesh_control.app.ports import Observations
from wattmesh_control.domain.clock_skew import ClockReading, ClockSkew
from wattmesh_control.domain.command import Command
from wattmesh_kernel.errors import Aborted, ResourceExhausted, WattmeshError
from wattmesh_kernel.ids import CommandId, GatewayId
from wattmesh_kernel.loop_policy import LoopPolicySet
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_runtime.aio.leases import Lease

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


@dataclass(frozen=True, slots=True)
class AskClock:
    """Ask what the gateway's clock shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoliciesTaken:
    """A gateway's word that it runs by the loop policies issued then, since `time`."""

    issue_time: datetime
    time: datetime


Order: TypeAlias = Carry | TakeBack
Outgoing: TypeAlias = Order | AskClock | LoopPolicySet | ReserveSignal


class GatewayLink:
    """One gateway's stream: orders wait until they are noted as sent, then go out.

    `tells_clock`: the gateway's clock can be asked for. `takes_loop_policies` and
    `takes_reserve_signals`: it said so.
    """

    def __init__(
        self, gateway: GatewayId, older: "GatewayLink | None" = None, *, tells_clock: bool = False
    ) -> None:
        self.gateway = gateway
        self.older = older
        self.tells_clock = tells_clock
        self.held: Lease | None = None
        """The lease of its shard."""
        self.change_time: datetime | None = None
        """Since when that is held."""
        self.lease: Lease | None = None
        """The same, from the moment on at which the stream counts."""
        self.clock_skew: ClockSkew | None = None
        self.refusal = ""
        """Why no command goes out for now; empty: they do."""
        self.takes_loop_policies = False
        self.takes_reserve_signals = False
        self.policies_taken: PoliciesTaken | None = None
        """The newest loop policies that it said it runs by."""
        self.closed = asyncio.Event()
        self._clock_told: asyncio.Future[ClockReading] | None = None
        self._waiting: deque[Order] = deque()
        self._ready: asyncio.Queue[Outgoing] = asyncio.Queue()
        self._under_way: set[CommandId] = set()
        self._early: set[CommandId] | None = set()
        self._ended = asyncio.Event()
        self._why: WattmeshError | None = None

    def put(self, order: Order) -> None:
        """Let an order wait; a command that is waiting already is sent once."""
        name = order.command.command
        if isinstance(order, Carry):
            if name in self._under_way:
                return
            self._under_way.add(name)
            self._note(name)
        if len(self._waiting) + self._ready.qsize() >= MOST_WAITING:
            self.end(ResourceExhausted("GATEWAY_TOO_SLOW", f"{self.gateway} does not read"))
            return
        self._waiting.append(order)

    def send(self, order: Carry) -> None:
        """Let a command go out at once, which is noted already."""
        self._under_way.add(order.command.command)
        self._note(order.command.command)
        self._ready.put_nowait(order)

    def put_again(self, order: Carry) -> None:
        """Let a command wait that was under way before, if none sent it since the stream began."""
        if self._early is None or order.command.command not in self._early:
            self.put(order)

    def caught_up(self) -> None:
        """All that was under way before the stream began is put: what comes is new."""
        self._early = None

    def take(self, most: int) -> list[Order]:
        """Return what waits, at most so many orders."""
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def release(self, orders: Collection[Order]) -> None:
        """Let orders go out."""
        for order in orders:
            self._ready.put_nowait(order)

    def forget(self, orders: Collection[Order]) -> None:
        """Orders are no longer under way: sent, or not to be sent."""
        self._under_way.difference_update(order.command.command for order in orders)

    def say(self, word: LoopPolicySet | ReserveSignal) -> None:
        """Let loop policies or a signal go out; unlike an order, they are not noted before."""
        self._ready.put_nowait(word)

    async def next_order(self) -> Outgoing:
        """Return what is next to go out."""
        return await self._ready.get()

    def ask_clock(self) -> "asyncio.Future[ClockReading]":
        """Ask what the gateway's clock shows; at once, ahead of all orders that wait for a note."""
        self._clock_told = asyncio.get_running_loop().create_future()
        self._ready.put_nowait(AskClock())
        return self._clock_told

    def tell_clock(self, reading: ClockReading) -> None:
        """Hand over what the gateway's clock showed."""
        if self._clock_told is not None and not self._clock_told.done():
            self._clock_told.set_result(reading)

    def _note(self, command: CommandId) -> None:
        if self._early is not None:
            self._early.add(command)

    def end(self, why: WattmeshError) -> None:
        """End the stream with an error."""
        self._why = self._why or why
        self._ended.set()

    async def until_ended(self) -> None:
        """Wait until `end`, and raise its error."""
        await self._ended.wait()
        if self._why is not None:
            raise self._why


class GatewayLinks:
    """The newest stream of each gateway in this process."""

    def __init__(self, observations: Observations) -> None:
        self._observations = observations
        self._links: dict[GatewayId, GatewayLink] = {}
        self._busy: dict[GatewayId, GatewayLink] = {}
        self._news = asyncio.Event()

    @property
    def gateways(self) -> Collection[GatewayId]:
        """Gateways whose streams count."""
        return [gateway for gateway, link in self._links.items() if link.lease is not None]

    @property
    def counting(self) -> Collection[GatewayLink]:
        """Streams that count."""
        return [link for link in self._links.values() if link.lease is not None]

    def connected(self, gateway: GatewayId) -> bool:
        """Return whether a gateway's stream is here and counts."""
        link = self._links.get(gateway)
        return link is not None and link.lease is not None

    def attach(self, gateway: GatewayId, *, tells_clock: bool = False) -> GatewayLink:
        """Make a new stream the gateway's; an older one is ended."""
        older = self._links.get(gateway)
        link = GatewayLink(gateway, older, tells_clock=tells_clock)
        self._links[gateway] = link
        if older is not None:
            older.end(replaced(gateway))
        else:
            log.info("%s is connected", gateway)
        self._observations.gateways_connected(len(self._links))
        return link

    def detach(self, link: GatewayLink) -> None:
        """Forget a stream that has ended."""
        link.closed.set()
        if self._links.get(link.gateway) is link:
            del self._links[link.gateway]
            log.warning("%s is gone", link.gateway)
            self._observations.gateways_connected(len(self._links))

    def give_way(self, gateway: GatewayId) -> None:
        """End a stream, because the gateway has dialled in to another process."""
        link = self._links.get(gateway)
        if link is not None and link.lease is not None:
            link.end(replaced(gateway))

    def takes(self, command: Command) -> bool:
        """Return whether a command can go out from here at once."""
        link = None if command.target is None else self._links.get(command.target.gateway)
        return link is not None and link.lease is not None and not link.refusal

    def send(self, command: Command) -> None:
        """Let a command go out at once; when its gateway is gone by now, it gets it later."""
        if command.target is not None and self.takes(command):
            self._links[command.target.gateway].send(Carry(command))

    def offer(self, command: Command) -> None:
        """Send a command to its gateway, if that is connected here."""
        self._put(command, Carry(command))

    def recall(self, command: Command) -> None:
        """Withdraw a command at its gateway, if that is connected here."""
        self._put(command, TakeBack(command))

    def put(self, link: GatewayLink, order: Order) -> None:
        """Let an order go out on one stream."""
        link.put(order)
        self._wake(link)

    def put_again(self, link: GatewayLink, order: Carry) -> None:
        """Let a command of before go out on one stream, if it did not go out on it already."""
        link.put_again(order)
        self._wake(link)

    async def waiting(self, most: int) -> list[tuple[GatewayLink, list[Order]]]:
        """Return what waits on all streams, at least one order and at most so many."""
        while True:
            found, room = list[tuple[GatewayLink, list[Order]]](), most
            while room and self._busy:
                link = next(iter(self._busy.values()))
                orders = link.take(room)
                if len(orders) < room:
                    del self._busy[link.gateway]
                room -= len(orders)
                if orders:
                    found.append((link, orders))
            if found:
                return found
            self._news.clear()
            await self._news.wait()

    def _wake(self, link: GatewayLink) -> None:
        self._busy[link.gateway] = link
        self._news.set()

    def _put(self, command: Command, order: Order) -> None:
        link = None if command.target is None else self._links.get(command.target.gateway)
        if link is not None and link.lease is not None:
            self.put(link, order)


def replaced(gateway: GatewayId) -> Aborted:
    """Return the error that ends a stream when a newer one took over."""
    return Aborted("STREAM_REPLACED", f"a newer stream of {gateway} took over")
