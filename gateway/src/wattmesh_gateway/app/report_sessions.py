"""Reports charging sessions: on disk first, then to whoever keeps what is needed of assets."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from wattmesh_gateway.app.ports import SessionOutbox, SessionUplink
from wattmesh_gateway.domain.session import ChargingSession
from wattmesh_gateway.domain.stay import Plug
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unimplemented, WattmeshError
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import PASSING, LossLog
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

_KEPT = timedelta(days=7)
_MOST_AT_ONCE = 100
_UNSERVED_SECONDS = 60.0
_AWAY: tuple[type[Exception], ...] = (*PASSING, Unimplemented)

AssetOf = Callable[[DeviceId], AssetId | None]
"""Says for which asset a device is there; a session at one that is there for none is nobody's."""


class KeepSessions:
    """Takes in what drivers say of sessions; of one session only the newest is kept."""

    def __init__(self, outbox: SessionOutbox) -> None:
        self._outbox = outbox
        self.news = asyncio.Event()
        """Set when there is something to hand on."""

    async def take(self, sessions: Sequence[ChargingSession]) -> None:
        """Keep sessions; return when they are kept."""
        if sessions:
            await self._outbox.keep(sessions)
            self.news.set()

    async def take_with(
        self, device: DeviceId, plug: Plug, sessions: Sequence[ChargingSession]
    ) -> None:
        """Keep sessions with what is known of their charger; return when both are kept."""
        await self._outbox.keep_with(device, plug, sessions)
        if sessions:
            self.news.set()


class ReportSessions:
    """Hands on what is kept, each session as it stands when its turn comes."""

    def __init__(
        self,
        outbox: SessionOutbox,
        news: asyncio.Event,
        uplink: SessionUplink,
        asset_of: AssetOf,
        clock: Clock,
    ) -> None:
        self._outbox = outbox
        self._news = news
        self._uplink = uplink
        self._asset_of = asset_of
        self._clock = clock
        self._loss = LossLog(log, "whoever keeps charging sessions")

    async def run(self) -> None:
        """Hand on what is kept, for ever."""
        backoff = Backoff(most_seconds=5.0)
        while True:
            self._news.clear()
            try:
                told = await self._tell()
            except Unimplemented as error:
                self._loss.lost(error)
                await asyncio.sleep(_UNSERVED_SECONDS)
            except PASSING as error:
                self._loss.lost(error)
                await backoff.wait()
            else:
                backoff.reset()
                if not told:
                    await race(self._news.wait(), asyncio.sleep(_UNSERVED_SECONDS))

    async def _tell(self) -> int:
        """Hand on the oldest that are kept; return how many."""
        sessions = await self._outbox.unsent(_MOST_AT_ONCE)
        for session in sessions:
            asset = self._asset_of(session.device)
            if asset is not None:
                await self._report(asset, session)
            await self._outbox.mark_sent(session)
        if sessions:
            self._loss.back()
            await self._outbox.forget_before(self._clock.now() - _KEPT)
        return len(sessions)

    async def _report(self, asset: AssetId, session: ChargingSession) -> None:
        """Hand on one session; one that is refused would be refused again."""
        try:
            await self._uplink.report(asset, session)
        except _AWAY:
            raise
        except WattmeshError as error:
            log.warning("%s is refused and let go: %s", session.name_at(asset), error)
