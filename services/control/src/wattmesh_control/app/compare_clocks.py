"""Compare the clocks of gateways with control's, before the first command and again and again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from wattmesh_control.app.gateway_links import GatewayLinkState, LinkStates
from wattmesh_control.app.links import GatewayLink
from wattmesh_control.app.ports import Observations
from wattmesh_control.domain.clock_skew import ClockReading, ClockRule, ClockSkew, ClockState
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import DeadlineExceeded, Unavailable
from wattmesh_kernel.ids import GatewayId

log = logging.getLogger(__name__)

ANSWER_SECONDS = 30.0
"""How long a gateway may take to tell its clock before its stream is ended [s of the wall]."""
_WORTH_TELLING_SECONDS = 0.5
"""By how much a difference has to change before that is kept [s of the wall]."""

Resume: TypeAlias = Callable[[GatewayLink], Awaitable[None]]


class CompareClocks:
    """Asks each gateway that is connected here every `every_seconds` of the wall."""

    def __init__(
        self,
        *,
        clock: Clock,
        states: LinkStates,
        observations: Observations,
        rule: ClockRule,
        every_seconds: float,
    ) -> None:
        self._clock = clock
        self._states = states
        self._observations = observations
        self._rule = rule
        self._every_seconds = every_seconds
        self._found: dict[GatewayId, ClockSkew] = {}

    async def once(self, link: GatewayLink) -> None:
        """Compare once. Error: DeadlineExceeded when the gateway does not tell its clock."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reading = await link.ask_clock()
        except TimeoutError as error:
            raise DeadlineExceeded(
                "CLOCK_NOT_TOLD", f"{link.gateway} does not say what its clock shows"
            ) from error
        await self._take(link, reading)

    async def again(self, link: GatewayLink, resume: Resume) -> None:
        """Compare for ever; `resume` when a gateway may get commands again."""
        while True:
            await asyncio.sleep(self._every_seconds)
            refused = bool(link.refusal)
            await self.once(link)
            if refused and not link.refusal:
                await resume(link)

    def forget(self, link: GatewayLink) -> None:
        """Take note that a gateway is gone."""
        if self._found.pop(link.gateway, None) is not None:
            self._observe()

    async def check(self) -> None:
        """Raise Unavailable, naming one, while a gateway's clock here is off."""
        for gateway, skew in self._found.items():
            if skew.state is not ClockState.AGREES:
                raise Unavailable("DEPENDENCY_UNAVAILABLE", f"{gateway}: {skew.message}")

    async def _take(self, link: GatewayLink, reading: ClockReading) -> None:
        before, skew = self._found.get(link.gateway), self._rule.judge(reading)
        self._found[link.gateway] = link.clock_skew = skew
        link.refusal = skew.message if skew.state is ClockState.REFUSED else ""
        self._say(link.gateway, before, skew)
        self._observe()
        if before is None or self._differs(before, skew):
            state = GatewayLinkState.of(link, connected=True, skew=skew)
            await self._states.put(state)

    def _differs(self, before: ClockSkew, skew: ClockSkew) -> bool:
        worth = _WORTH_TELLING_SECONDS * self._clock.rate
        moved = abs((skew.skew - before.skew).total_seconds())
        return before.state is not skew.state or moved > worth

    def _say(self, gateway: GatewayId, before: ClockSkew | None, skew: ClockSkew) -> None:
        was = ClockState.AGREES if before is None else before.state
        if skew.state is was:
            return
        if skew.state is ClockState.AGREES:
            log.info("%s: its clock agrees again", gateway)
        else:
            log.warning("%s: %s", gateway, skew.message)

    def _observe(self) -> None:
        found = self._found.values()
        self._observations.clocks_compared(
            max((abs(each.skew.total_seconds()) for each in found), default=0.0),
            sum(each.state is ClockState.REFUSED for each in found),
        )
