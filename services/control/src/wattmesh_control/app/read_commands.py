"""Get, list, count and watch commands; list limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from wattmesh_control.app.announce import CommandBroadcast, CommandNews
from wattmesh_control.app.ports import CommandArchive, CommandQuery, Gap, LimitArchive, Statistics
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound, Unavailable
from wattmesh_kernel.ids import CommandId, LimitId
from wattmesh_kernel.time import TimeRange

_COMMANDS_A_PAGE = 100
_MOST = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandPage:
    """Commands, newest first, and the token of the next page; empty after the last."""

    commands: list[Command]
    next_page_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitPage:
    """Limits by name, and the token of the next page; empty after the last."""

    limits: list[Limit]
    next_page_token: str


class ReadCommands:
    """Reads what was commanded and what became of it."""

    def __init__(self, archive: CommandArchive, broadcast: CommandBroadcast) -> None:
        self._archive = archive
        self._broadcast = broadcast

    async def get(self, name: CommandId) -> Command:
        """Return one command. Error: NotFound."""
        command = await self._archive.get(name)
        if command is None:
            raise NotFound("COMMAND_NOT_FOUND", f"there is no {name}")
        return command

    async def page(self, query: CommandQuery, page_size: int, page_token: str) -> CommandPage:
        """Return a page of commands."""
        size = checked_size(page_size, _COMMANDS_A_PAGE)
        before = _number(page_token) if page_token else None
        commands = await self._archive.page(query, before, size + 1)
        more = len(commands) > size
        token = str(commands[size - 1].number) if more else ""
        return CommandPage(commands=commands[:size], next_page_token=token)

    async def statistics(self, start_range: TimeRange | None) -> Statistics:
        """Count commands whose range begins in `start_range`."""
        return await self._archive.statistics(start_range)

    @asynccontextmanager
    async def watch(self, devices: DeviceFilter) -> AsyncIterator[AsyncIterator[Command]]:
        """Watch commands from now on, until the block ends, whichever process changes them.

        Errors of what it gives: ResourceExhausted when the watcher falls too far behind;
        Unavailable when changes of other processes may have gone unheard.
        """

        def wanted(news: CommandNews) -> bool:
            return isinstance(news, Gap) or devices.admits(news.device)

        with self._broadcast.watch(wanted) as watcher:
            yield _commands(watcher)


async def _commands(news: AsyncIterator[CommandNews]) -> AsyncIterator[Command]:
    async for each in news:
        if isinstance(each, Gap):
            raise Unavailable("WATCH_INTERRUPTED", "changes may have gone unheard: watch again")
        yield each


class ReadLimits:
    """Reads the limits that have not ended; some may not have begun."""

    def __init__(self, clock: Clock, archive: LimitArchive) -> None:
        self._clock = clock
        self._archive = archive

    def now(self) -> datetime:
        """Return the time by which limits end."""
        return self._clock.now()

    async def get(self, name: LimitId) -> Limit:
        """Return a limit that has not ended. Error: NotFound."""
        limit = await self._archive.get(name, self._clock.now())
        if limit is None:
            raise NotFound("LIMIT_NOT_FOUND", f"there is no {name} in force")
        return limit

    async def page(self, devices: DeviceFilter, page_size: int, page_token: str) -> LimitPage:
        """Return a page of limits."""
        size = checked_size(page_size, _MOST)
        limits = await self._archive.page(devices, self._clock.now(), page_token, size + 1)
        more = len(limits) > size
        token = limits[size - 1].limit.name if more else ""
        return LimitPage(limits=limits[:size], next_page_token=token)


def checked_size(page_size: int, default: int) -> int:
    """Return how many items a page has. Error: InvalidArgument for a negative size."""
    if page_size < 0:
        raise InvalidArgument(
            "INVALID_PAGE_SIZE", "page_size must not be negative", field="page_size"
        )
    return min(page_size, _MOST) or default


def _number(page_token: str) -> int:
    if not page_token.isascii() or not page_token.isdigit():
        raise InvalidArgument("INVALID_PAGE_TOKEN", "not a token of this list", field="page_token")
    return int(page_token)
