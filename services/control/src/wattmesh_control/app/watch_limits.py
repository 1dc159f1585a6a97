"""Tells a watcher which limits there are, then every change, and when they have ended."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from wattmesh_control.app.ports import LimitArchive
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import LimitId

POLL_SECONDS = 0.5
"""How often limits are looked at [s of the wall]."""
HEARTBEAT_SECONDS = 3.0
"""How long a watcher hears nothing at most [s of the wall]."""
_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitNews:
    """Limits that are new or changed, and those that have ended; with `snapshot` all there are."""

    snapshot: bool = False
    limits: tuple[Limit, ...] = ()
    ended: tuple[LimitId, ...] = ()


class WatchLimits:
    """Compares what stands with what was told last."""

    def __init__(
        self, clock: Clock, archive: LimitArchive, *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._clock = clock
        self._archive = archive
        self._poll_seconds = poll_seconds

    async def run(self, devices: DeviceFilter) -> AsyncGenerator[LimitNews, None]:
        """Yield news until the caller leaves; empty ones are heartbeats."""
        known = await self._standing(devices)
        yield LimitNews(snapshot=True, limits=tuple(known.values()))
        told = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(self._poll_seconds)
            before, known = known, await self._standing(devices)
            news = LimitNews(
                limits=tuple(each for name, each in known.items() if before.get(name) != each),
                ended=tuple(name for name in before if name not in known),
            )
            now = asyncio.get_running_loop().time()
            if news.limits or news.ended or now - told >= HEARTBEAT_SECONDS:
                yield news
                told = now

    async def _standing(self, devices: DeviceFilter) -> dict[LimitId, Limit]:
        """Return the limits that have not ended, by name."""
        found: dict[LimitId, Limit] = {}
        after, now = "", self._clock.now()
        while True:
            page = await self._archive.page(devices, now, after, _PAGE)
            found |= {each.limit: each for each in page}
            if len(page) < _PAGE:
                return found
            after = page[-1].limit.name
