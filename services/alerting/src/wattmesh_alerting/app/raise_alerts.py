"""Raise alerts from what is seen of the mesh."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime

from wattmesh_alerting.app.appraise import Appraise
from wattmesh_alerting.app.ports import AlertStore, Appraiser, Source
from wattmesh_alerting.app.tell_people import TellPeople
from wattmesh_alerting.app.watch_sources import WatchSources
from wattmesh_alerting.domain.board import AlertBoard
from wattmesh_alerting.domain.condition import Condition
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_runtime.aio.tasks import BackgroundTasks

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""How often news is taken and time moves on [s of the wall]."""


class RaiseAlerts:
    """The board of one process, while it holds the lease."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: AlertStore,
        sources: Sequence[Source],
        people: TellPeople,
        appraiser: Appraiser,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._clock = clock
        self._store = store
        self._sources = sources
        self._people = people
        self._appraiser = appraiser
        self._look_seconds = look_seconds
        self._loss = LossLog(log, "the database of alerts")

    async def __call__(self, lease: Lease) -> None:
        """Raise alerts for ever, going on with those that an earlier holder raised."""
        board, watch = AlertBoard(_name), WatchSources()
        appraise = Appraise(self._appraiser, watch.news)
        kept = await retry(self._store.firing, self._loss)
        board.recall(each.alert for each in kept)
        async with BackgroundTasks() as background:
            for source in self._sources:
                background.start(watch.follow(source))
            background.start(self._people.run())
            background.start(appraise.run())
            self._people.firing(board.firing)
            appraise.want(board.firing)
            while True:
                await self._look(board, watch, appraise, lease)
                await asyncio.sleep(self._look_seconds)

    async def _look(
        self, board: AlertBoard, watch: WatchSources, appraise: Appraise, lease: Lease
    ) -> None:
        for news in watch.unread():
            board.take(news)
        changed = board.advance(self._clock.now())
        if changed:
            await lease.confirm()
            await retry(lambda: self._store.put(changed), self._loss)
            self._people.changed(changed)
            appraise.want(changed)
            self._people.firing(board.firing)


def _name(condition: Condition, now: datetime) -> str:
    """Return a name that no other alert has."""
    subject = hashlib.blake2s(condition.subject.encode(), digest_size=4).hexdigest()
    rule = condition.rule.value.replace("_", "-")
    return f"alerts/{rule}-{subject}-{now:%Y%m%dt%H%M%S%f}"
