"""Act on what other processes of control tell."""

import logging
from datetime import timedelta

from wattmesh_control.app.announce import Announce, CommandBroadcast
from wattmesh_control.app.effect_ports import EventArchive
from wattmesh_control.app.keep_time import KeepTime
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.ports import CommandArchive, Gap, Notice, Notices
from wattmesh_control.app.read_events import EventBroadcast
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.signal_reserves import SignalReserves
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.losses import AWAY_OR_FULL, LossLog

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""How often it is looked whether a command was left unsent, should a notice be lost [s wall]."""


class HearNotices:
    """Sends what others made for gateways that are connected here, and tells watchers here."""

    def __init__(
        self,
        *,
        notices: Notices,
        archive: CommandArchive,
        shards: Shards,
        links: GatewayLinks,
        announce: Announce,
        broadcast: CommandBroadcast,
        events: EventArchive,
        event_broadcast: EventBroadcast,
        keep_time: KeepTime,
        signal_reserves: SignalReserves,
    ) -> None:
        self._notices = notices
        self._archive = archive
        self._shards = shards
        self._links = links
        self._announce = announce
        self._broadcast = broadcast
        self._events = events
        self._event_broadcast = event_broadcast
        self._keep_time = keep_time
        self._signal_reserves = signal_reserves

    async def __call__(self) -> None:
        """Run for ever."""
        async for notice in self._notices.heard():
            if isinstance(notice, Gap):
                self._lose(notice)
                continue
            try:
                await self._hear(notice)
            except AWAY_OR_FULL as error:
                log.warning("a notice is passed over: %s", error)
                self._lose(Gap())

    def _lose(self, gap: Gap) -> None:
        self._broadcast.publish(gap)
        self._event_broadcast.publish(gap)

    async def _hear(self, notice: Notice) -> None:
        if notice.wanted is not None:
            self._links.give_way(notice.wanted)
            self._shards.give_way(notice.wanted)
        self._signal_reserves.here(notice.signals)
        if notice.due is not None:
            self._keep_time.expect(notice.due)
        if notice.orders and self._links.gateways:
            self._announce.order(await self._archive.find(notice.orders))
        if notice.moved and self._broadcast.watchers:
            self._broadcast.publish(*await self._archive.find(notice.moved))
        if notice.events and self._event_broadcast.watchers:
            self._event_broadcast.publish(*await self._events.find(notice.events))


class SendLeftOver:
    """Sends commands that were stored for gateways here and never sent: their notice was lost."""

    def __init__(
        self,
        *,
        clock: Clock,
        archive: CommandArchive,
        links: GatewayLinks,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._clock = clock
        self._archive = archive
        self._links = links
        self._poll = timedelta(seconds=poll_seconds * clock.rate)

    async def __call__(self) -> None:
        """Run for ever."""
        loss = LossLog(log, "the database that says what was left unsent")
        while True:
            await self._clock.sleep(self._poll)
            try:
                await self._look()
                loss.back()
            except WattmeshError as error:
                loss.lost(error)

    async def _look(self) -> None:
        gateways = self._links.gateways
        if gateways:
            for command in await self._archive.unsent(gateways, self._clock.now()):
                self._links.offer(command)
