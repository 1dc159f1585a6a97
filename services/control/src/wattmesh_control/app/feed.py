"""Tells watchers of commands that changed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager

from wattmesh_control.domain.command import Command
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.errors import ResourceExhausted

MOST_UNREAD = 10_000
"""Changes that may wait for a slow watcher before it is let go."""


class CommandFeed:
    """Passes every committed change on to whoever watches."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def publish(self, commands: Iterable[Command]) -> None:
        """Pass changed commands on."""
        for command in commands:
            for watcher in self._watchers:
                watcher.take(command)

    @contextmanager
    def watch(self, devices: DeviceFilter) -> Iterator["Watcher"]:
        """Watch from now on, until the block ends."""
        watcher = Watcher(devices)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)


class Watcher:
    """The changes that one watcher has not read yet, in order."""

    def __init__(self, devices: DeviceFilter) -> None:
        self._devices = devices
        self._unread: asyncio.Queue[Command] = asyncio.Queue(MOST_UNREAD)
        self._lost = False

    def take(self, command: Command) -> None:
        """Keep a change for the watcher if it is one of its devices."""
        if self._devices.admits(command.device):
            try:
                self._unread.put_nowait(command)
            except asyncio.QueueFull:
                self._lost = True

    async def changes(self) -> AsyncIterator[Command]:
        """Yield changes as they come; ResourceExhausted when the watcher fell too far behind."""
        while not (self._lost and self._unread.empty()):
            yield await self._unread.get()
        raise ResourceExhausted("WATCHER_TOO_SLOW", "changes came faster than they were read")
