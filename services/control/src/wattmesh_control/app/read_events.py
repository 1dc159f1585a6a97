"""List and watch what happens to devices; list the steps in the life of commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from wattmesh_control.app.effect_ports import (
    EventArchive,
    EventQuery,
    Transition,
    TransitionArchive,
    TransitionQuery,
)
from wattmesh_control.app.ports import Gap
from wattmesh_control.app.read_commands import checked_size
from wattmesh_control.domain.device_event import DeviceEvent
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.errors import InvalidArgument, Unavailable
from wattmesh_runtime.aio.broadcast import Broadcast

_A_PAGE = 100

EventNews: TypeAlias = DeviceEvent | Gap
EventBroadcast: TypeAlias = Broadcast[EventNews]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPage:
    """Events, newest first, and the token of the next page; empty after the last."""

    events: list[DeviceEvent]
    next_page_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TransitionPage:
    """Steps by command and time, and the token of the next page; empty after the last."""

    transitions: list[Transition]
    next_page_token: str


class ReadEvents:
    """Reads what happened to devices and commands."""

    def __init__(
        self, events: EventArchive, transitions: TransitionArchive, broadcast: EventBroadcast
    ) -> None:
        self._events = events
        self._transitions = transitions
        self._broadcast = broadcast

    async def page(self, query: EventQuery, page_size: int, page_token: str) -> EventPage:
        """Return a page of events. Error: InvalidArgument."""
        size = checked_size(page_size, _A_PAGE)
        before = _numbers(page_token, 1)[0] if page_token else None
        found = await self._events.page(query, before, size + 1)
        more = len(found) > size
        token = str(found[size - 1].number) if more else ""
        return EventPage(events=found[:size], next_page_token=token)

    async def transitions(
        self, query: TransitionQuery, page_size: int, page_token: str
    ) -> TransitionPage:
        """Return a page of steps. Error: InvalidArgument."""
        size = checked_size(page_size, _A_PAGE)
        number, position = _numbers(page_token, 2) if page_token else (0, 0)
        found = await self._transitions.page(query, (number, position), size + 1)
        more = len(found) > size
        token = "-".join(map(str, found[size - 1].place)) if more else ""
        return TransitionPage(transitions=found[:size], next_page_token=token)

    @asynccontextmanager
    async def watch(self, devices: DeviceFilter) -> AsyncIterator[AsyncIterator[DeviceEvent]]:
        """Watch events from now on, until the block ends, whichever process stores them.

        Errors of what it gives: ResourceExhausted when the watcher falls too far behind;
        Unavailable when events may have gone unheard.
        """

        def wanted(news: EventNews) -> bool:
            return isinstance(news, Gap) or devices.admits(news.device)

        with self._broadcast.watch(wanted) as watcher:
            yield _events(watcher)


async def _events(news: AsyncIterator[EventNews]) -> AsyncIterator[DeviceEvent]:
    async for each in news:
        if isinstance(each, Gap):
            raise Unavailable("WATCH_INTERRUPTED", "events may have gone unheard: watch again")
        yield each


def _numbers(token: str, count: int) -> tuple[int, ...]:
    parts = token.split("-")
    if len(parts) != count or not all(each.isascii() and each.isdigit() for each in parts):
        raise InvalidArgument("INVALID_PAGE_TOKEN", "not a token of this list", field="page_token")
    return tuple(map(int, parts))
