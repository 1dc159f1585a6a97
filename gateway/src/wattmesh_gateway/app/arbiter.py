"""One writer for each device, and who decides what it is told: its loop, a command, or nobody."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from wattmesh_gateway.domain.command import Command
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import Channel, SetpointKind

Slot = tuple[DeviceId, Channel]


class By(Enum):
    """Who decides."""

    COMMAND = "command"
    LOOP = "loop"
    SAFE = "safe"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a device is to be told, by whom, and why it is not what the command asks.

    `lease`: of what the loop tells; a command has its own.
    """

    kind: SetpointKind
    value: float
    by: By = By.COMMAND
    why: str = ""
    lease: timedelta | None = None

    def lease_left(self, command: Command | None, now: datetime) -> timedelta:
        """Return for how long the device is to hold it."""
        left = None if command is None else command.lease_left(now)
        both = [each for each in (left, self.lease) if each is not None]
        return min(both, default=timedelta(0))


class Steers(Protocol):
    """A loop, as the arbiter asks it."""

    def choose(self, slot: Slot, command: Command | None) -> Choice | None:
        """Return what the loop wants of a member; None when it leaves that to the command."""

    def asked_changed(self, slot: Slot) -> None:
        """Take note that another command is in force, or none."""

    def begin(self, slot: Slot, choice: Choice) -> None:
        """Take note that a member is being told something."""

    def end(self, slot: Slot, choice: Choice, error: Exception | None) -> None:
        """Take note that it was, or why not."""

    def released(self, slot: Slot) -> None:
        """Take note that a member is in its safe state."""


class Arbiter:
    """Knows the command in force and the loop of every slot; loops go before commands.

    Whoever writes takes the device's `writer`, asks `choose` while it has it, and says what it
    does, whoever it is.
    """

    def __init__(self) -> None:
        self._writers: dict[DeviceId, asyncio.Lock] = {}
        self._commands: dict[Slot, Command] = {}
        self._loops: dict[Slot, Steers] = {}

    def writer(self, device: DeviceId) -> asyncio.Lock:
        """Return what is held by the one who talks to a device just now."""
        return self._writers.setdefault(device, asyncio.Lock())

    def command(self, slot: Slot) -> Command | None:
        """Return the leased command that is in force, or on its way to the device."""
        return self._commands.get(slot)

    def put_in_force(self, slot: Slot, command: Command | None) -> None:
        """Take note of the command in force; None: there is none any more."""
        if self._commands.get(slot) == command:
            return
        if command is None:
            del self._commands[slot]
        else:
            self._commands[slot] = command
        if slot in self._loops:
            self._loops[slot].asked_changed(slot)

    def steer(self, slot: Slot, loop: Steers) -> None:
        """Let a loop decide about a slot from now on."""
        self._loops[slot] = loop

    def let_go(self, slot: Slot, loop: Steers) -> None:
        """Let a loop decide no more, unless another has taken over."""
        if self._loops.get(slot) is loop:
            del self._loops[slot]

    def choose(self, slot: Slot) -> Choice | None:
        """Return what a device is to be told now; None: nothing, it belongs in its safe state."""
        command, loop = self._commands.get(slot), self._loops.get(slot)
        chosen = None if loop is None else loop.choose(slot, command)
        if chosen is not None or command is None:
            return chosen
        return Choice(kind=command.kind, value=command.value)

    def begin(self, slot: Slot, choice: Choice) -> None:
        """Tell the loop that a device is being told something."""
        if slot in self._loops:
            self._loops[slot].begin(slot, choice)

    def end(self, slot: Slot, choice: Choice, error: Exception | None = None) -> None:
        """Tell the loop that it was, or why not."""
        if slot in self._loops:
            self._loops[slot].end(slot, choice, error)

    def released(self, slot: Slot) -> None:
        """Tell the loop that a device is in its safe state."""
        if slot in self._loops:
            self._loops[slot].released(slot)
