"""What happens within an interval and cannot wait for the next one: a vehicle that comes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol

from wattmesh_kernel.ids import SiteId
from wattmesh_runtime.aio.tasks import together

_COLLECT_SECONDS = 0.2
"""How long news are collected: a vehicle and what its driver wants come together [s, wall]."""


class Changes(Protocol):
    """News of people and vehicles, or of what the grid asks."""

    def sites(self) -> AsyncIterator[SiteId]:
        """Yield each site of which something is to be planned anew, for ever."""


class Prompts:
    """Tells scopes that something has happened at one of their sites."""

    def __init__(self, *changes: Changes | None) -> None:
        self._changes = [each for each in changes if each is not None]
        self._prompted: dict[str, asyncio.Event] = {}

    def hold(self, scope: str) -> None:
        """Listen for a scope from now on."""
        self._prompted[scope] = asyncio.Event()

    def forget(self, scope: str) -> None:
        """Listen for it no longer."""
        self._prompted.pop(scope, None)

    async def follow(self, scopes_of: Callable[[SiteId], Iterable[str]]) -> None:
        """Hear news for ever, and tell the scopes that they are about."""
        if self._changes:
            await together(*(self._follow(each, scopes_of) for each in self._changes))

    async def _follow(self, changes: Changes, scopes_of: Callable[[SiteId], Iterable[str]]) -> None:
        async for site in changes.sites():
            for scope in scopes_of(site):
                if scope in self._prompted:
                    self._prompted[scope].set()

    def waits(self, scope: str) -> bool:
        """Return whether something has happened that nobody has been told of yet."""
        return self._prompted[scope].is_set()

    async def wait(self, scope: str) -> None:
        """Return when something has happened, with what happened at the same time."""
        event = self._prompted[scope]
        await event.wait()
        await asyncio.sleep(_COLLECT_SECONDS)
        event.clear()
