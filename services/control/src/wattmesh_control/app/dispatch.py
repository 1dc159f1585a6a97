"""Send commands: note first that they go out, for all gateways at once, then let them go."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from wattmesh_control.app.chunks import MOST_AT_ONCE, halving
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.links import Carry, GatewayLink, GatewayLinks, Order, TakeBack
from wattmesh_control.app.ports import Scope
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_control.domain.life import Sent, Troubled
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import CommandId
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.losses import AWAY_OR_FULL

log = logging.getLogger(__name__)

Orders: TypeAlias = tuple[GatewayLink, list[Order]]


@dataclass(frozen=True, kw_only=True)
class _Sending(Work[frozenset[CommandId]]):
    """Notes that commands go out, or why they may not; answers which of them still are to."""

    commands: frozenset[CommandId]
    refusals: Mapping[CommandId, str]
    fence: tuple[Lease, ...]
    reconciles = False

    @property
    def scope(self) -> Scope:
        return Scope(commands=self.commands, fence=self.fence)

    def decide(self, draft: Draft) -> None:
        for command in draft.standing.commands.values():
            if command.life.live and command.leased(draft.now):
                why = self.refusals.get(command.command)
                draft.advance(command, Sent(draft.now) if why is None else Troubled(why))

    def answer(self, draft: Draft) -> frozenset[CommandId]:
        return frozenset(draft.steps.keys() - self.refusals.keys())


class Dispatch:
    """Takes what waits on the streams; only live commands with a running lease go out.

    The note comes before the sending, so that no report can be there earlier. A stream whose
    orders cannot be noted is ended: the gateway dials in again and gets them then.
    """

    def __init__(self, links: GatewayLinks, unit_of_work: UnitOfWork) -> None:
        self._links = links
        self._unit_of_work = unit_of_work

    async def __call__(self) -> None:
        """Run for ever."""
        while True:
            waiting = await self._links.waiting(MOST_AT_ONCE)
            try:
                await halving(waiting, self._send, self._fail)
            except AWAY_OR_FULL as error:
                for link, _ in waiting:
                    link.end(error)

    async def _send(self, waiting: Sequence[Orders]) -> None:
        refusals = {
            each.command.command: link.refusal
            for link, orders in waiting
            for each in orders
            if _carried(each)
        }
        going = frozenset[CommandId]()
        if refusals:
            leases = tuple(link.lease for link, _ in waiting if link.lease is not None)
            work = _Sending(
                commands=frozenset(refusals),
                refusals={name: why for name, why in refusals.items() if why},
                fence=leases,
            )
            going = (await self._unit_of_work(work)).answer
        for link, orders in waiting:
            live = [each for each in orders if not _carried(each) or each.command.command in going]
            link.forget([each for each in orders if each not in live])
            link.release(live)

    async def _fail(self, orders: Orders, error: Exception) -> None:
        link, failed = orders
        if isinstance(error, WattmeshError):
            link.end(error)
            return
        if len(failed) > 1:
            await halving([(link, [order]) for order in failed], self._send, self._fail)
            return
        link.forget(failed)
        log.error("%s cannot be sent", failed[0].command.command, exc_info=error)


def _carried(order: Order) -> bool:
    match order:
        case Carry():
            return True
        case TakeBack():
            return False
        case _:
            assert_never(order)
