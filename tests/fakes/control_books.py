"""Control's books in memory: one transaction that never ends."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from wattmesh_control.app.ports import DeviceEvent, Document
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.setpoint import Slot
from wattmesh_control.domain.wish import Wish
from wattmesh_kernel.ids import CommandId, DeviceId, LimitId


class FakeWishes:
    """WishBook in a dict."""

    def __init__(self) -> None:
        self.all = dict[int, Wish]()
        self._last = 0

    async def standing(self, devices: Collection[DeviceId], now: datetime) -> list[Wish]:
        return [w for w in self.all.values() if w.device in devices and w.span.end > now]

    async def add(self, wishes: Sequence[Wish]) -> None:
        for wish in wishes:
            self._last += 1
            self.all[self._last] = replace(wish, number=self._last)

    async def remove(self, numbers: Collection[int]) -> None:
        for number in numbers:
            self.all.pop(number, None)

    async def cut(self, ends: Sequence[tuple[int, datetime]]) -> None:
        for number, end in ends:
            wish = self.all[number]
            self.all[number] = replace(wish, span=replace(wish.span, end=end))

    async def forget(self, devices: Collection[DeviceId], now: datetime) -> None:
        over = [w.number for w in self.all.values() if w.device in devices and w.span.end <= now]
        await self.remove(over)


class FakeCommands:
    """CommandBook in a dict; every version of every command is kept in `history`."""

    def __init__(self) -> None:
        self.all = dict[CommandId, Command]()
        self.history = list[Command]()

    async def last(self, devices: Collection[DeviceId]) -> dict[Slot, Command]:
        newest = dict[Slot, Command]()
        for command in sorted(self.all.values(), key=lambda each: each.number):
            if command.device in devices and command.wish is not None:
                newest[command.slot] = command
        return newest

    async def lock(self, command: CommandId) -> Command | None:
        return self.all.get(command)

    async def lock_all(self, commands: Collection[CommandId]) -> list[Command]:
        return [self.all[command] for command in commands]

    async def add(self, commands: Sequence[Command]) -> list[Command]:
        added = list[Command]()
        for command in commands:
            added.append(replace(command, number=len(self.all) + 1))
            self._put(added[-1])
        return added

    async def save(self, commands: Sequence[tuple[Command, Command]], now: datetime) -> None:
        for _, after in commands:
            self._put(after)

    def _put(self, command: Command) -> None:
        self.all[command.command] = command
        self.history.append(command)


class FakeLimits:
    """LimitBook in a dict."""

    def __init__(self) -> None:
        self.all = dict[LimitId, Limit]()

    async def in_force(self, devices: Collection[DeviceId], now: datetime) -> list[Limit]:
        return [x for x in self.all.values() if x.device in devices and x.in_force(now)]

    async def put(self, limit: Limit) -> Limit:
        for other in list(self.all.values()):
            if (other.device, other.owner) == (limit.device, limit.owner):
                limit = replace(limit, limit=other.limit)
        self.all[limit.limit] = limit
        return limit

    async def remove(self, limit: LimitId) -> None:
        self.all.pop(limit, None)


class FakeRequests:
    """RequestBook in a dict."""

    def __init__(self) -> None:
        self._answers = dict[tuple[str, str], Document]()

    async def claim(self, method: str, request_id: str, now: datetime) -> Document | None:
        return self._answers.get((method, request_id))

    async def remember(self, method: str, request_id: str, answer: Document) -> None:
        self._answers[(method, request_id)] = answer


class FakeBooks:
    """Books in memory."""

    def __init__(self) -> None:
        self.wishes = FakeWishes()
        self.commands = FakeCommands()
        self.limits = FakeLimits()
        self.requests = FakeRequests()
        self.events = list[DeviceEvent]()

    async def lock(self, devices: Collection[DeviceId]) -> None:
        """Nobody else is there."""

    async def note(self, events: Sequence[DeviceEvent]) -> None:
        self.events.extend(events)
