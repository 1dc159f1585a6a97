"""Keep limits of sites and groups: each device that is steered there gets its share of them."""

import asyncio
import logging
from datetime import datetime, timedelta

from wattmesh_control.app.announce import CommandBroadcast, CommandNews
from wattmesh_control.app.chunks import MOST_AT_ONCE
from wattmesh_control.app.devices import Devices
from wattmesh_control.app.measure_rest import MeasureRest
from wattmesh_control.app.ports import Gap, LimitArchive
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.sharing import Sharing
from wattmesh_control.app.unit_of_work import UnitOfWork
from wattmesh_control.domain.life import CommandState
from wattmesh_control.domain.limits import Limit
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, WattmeshError
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.aio.losses import AWAY_OR_FULL, LossLog
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
"""How often it is looked whether devices want something else than they did [s of the wall]."""
_AGAIN = timedelta(minutes=1)
"""How often the rest of a site is measured anew."""


class ShareLimits:
    """Shares a limit when it is set, when what devices are asked changes, and every minute.

    The shares of a limit are written together, under the locks of all its devices: at no time do
    they come to more than it. Of several processes, the one that looks after a subject's first
    device goes on sharing.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        devices: Devices,
        limits: LimitArchive,
        rest: MeasureRest,
        unit_of_work: UnitOfWork,
        shards: Shards,
        broadcast: CommandBroadcast,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._clock = clock
        self._devices = devices
        self._limits = limits
        self._rest = rest
        self._unit_of_work = unit_of_work
        self._shards = shards
        self._broadcast = broadcast
        self._look_seconds = look_seconds
        self._moved = set[DeviceId]()
        self._shared: dict[str, tuple[list[Limit], datetime]] = {}
        """By subject the limits that were shared last, and when."""
        self._loss = LossLog(log, "the database that keeps limits")

    async def put(self, limit: Limit, request_id: str) -> Limit:
        """Store a limit with its shares; a repeat gets the first answer.

        Errors: FailedPrecondition `LIMIT_SUBJECT_TOO_LARGE`; Unavailable.
        """
        work = await self._work(limit.subject, put=limit, request_id=request_id)
        stored = (await self._unit_of_work(work)).answer
        assert stored is not None, "put before"
        return stored

    async def remove(self, limit: Limit) -> None:
        """Withdraw a limit with its shares."""
        await self._unit_of_work(await self._work(limit.subject, removed=limit))

    async def __call__(self) -> None:
        """Run for ever."""
        await race(self._listen(), self._look_again_and_again())

    async def _listen(self) -> None:
        while True:
            try:
                with self._broadcast.watch(_may_want_something_else) as news:
                    async for each in news:
                        if isinstance(each, Gap):
                            self._shared.clear()
                        else:
                            self._moved.add(each.device)
            except WattmeshError as error:
                log.debug("every limit is looked at: %s", error)
                self._shared.clear()

    async def _look_again_and_again(self) -> None:
        while True:
            try:
                await self._look()
                self._loss.back()
            except AWAY_OR_FULL as error:
                self._loss.lost(error)
            await asyncio.sleep(self._look_seconds)

    async def _look(self) -> None:
        moved, self._moved = self._moved, set()
        if not self._devices.known:
            return
        by_subject: dict[str, list[Limit]] = {}
        for limit in await self._limits.shared(self._clock.now()):
            if limit.parent is None:
                by_subject.setdefault(limit.subject, []).append(limit)
        self._shared = {x: last for x, last in self._shared.items() if x in by_subject}
        for subject, limits in by_subject.items():
            if self._is_mine(subject) and self._is_due(subject, limits, moved):
                self._shared[subject] = (limits, self._clock.now())
                await self._share(subject)

    def _is_mine(self, subject: str) -> bool:
        under = self._devices.under(subject, self._clock.now())
        return bool(under) and self._shards.holds(under[0].device)

    def _is_due(self, subject: str, limits: list[Limit], moved: set[DeviceId]) -> bool:
        last = self._shared.get(subject)
        if last is None or last[0] != limits or self._clock.now() - last[1] >= _AGAIN:
            return True
        if not moved:
            return False
        under = self._devices.under(subject, self._clock.now())
        return any(each.device in moved for each in under)

    async def _share(self, subject: str) -> None:
        """Share anew what stands; a subject on which that fails alone keeps the shares it has."""
        try:
            await self._unit_of_work(await self._work(subject))
        except AWAY_OR_FULL:
            self._shared.pop(subject, None)
            raise
        except Exception as error:
            log.error("the limits of %s are not shared anew", subject, exc_info=error)

    async def _work(
        self,
        subject: str,
        *,
        put: Limit | None = None,
        removed: Limit | None = None,
        request_id: str = "",
    ) -> Sharing:
        under = self._devices.under(subject, self._clock.now())
        if len(under) > MOST_AT_ONCE:
            raise FailedPrecondition(
                "LIMIT_SUBJECT_TOO_LARGE",
                f"{subject} has {len(under)} devices that can be steered, more than {MOST_AT_ONCE}",
            )
        return Sharing(
            subject=subject,
            under=under,
            devices=self._devices,
            rest=await self._rest(subject),
            put=put,
            removed=removed,
            request_id=request_id,
        )


def _may_want_something_else(news: CommandNews) -> bool:
    if isinstance(news, Gap):
        return True
    return news.life.state is CommandState.PENDING or not news.life.live
