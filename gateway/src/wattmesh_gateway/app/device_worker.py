"""Carries out the commands of one device, one after the other; the newest wins."""

import asyncio
import logging
from dataclasses import dataclass

from wattmesh_gateway.app.device_edge import ask
from wattmesh_gateway.app.ports import CannotSet, Sets, SettableDevices
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.domain.command import Command, CommandState
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import CommandId
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

_ATTEMPTS_TO_VERIFY = 3


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a command ended."""

    state: CommandState
    value: float | None = None
    message: str = ""


@dataclass(slots=True)
class _Attempt:
    """How far the attempts at a command have come."""

    applied: bool = False
    mismatches: int = 0
    reason: str = ""

    @property
    def refused_as(self) -> CommandState:
        """What a refusal makes of the command: what was applied before has failed."""
        return CommandState.FAILED if self.applied else CommandState.REFUSED


class DeviceWorker:
    """One device's commands. `run` never ends by itself."""

    def __init__(self, devices: SettableDevices, reports: Reports, clock: Clock) -> None:
        self._devices = devices
        self._reports = reports
        self._clock = clock
        self._current: Command | None = None
        self._next: Command | None = None
        self._withdrawn: dict[CommandId, Command] = {}
        self._news = asyncio.Event()

    def find(self, command: CommandId) -> Command | None:
        """Return a command that is being carried out or waits for it."""
        return next((each for each in self._held if each and each.id == command), None)

    @property
    def newest_sequence(self) -> int:
        """The sequence of the newest command taken on and not ended; 0 when there is none."""
        return max((each.sequence for each in self._held if each), default=0)

    async def offer(self, command: Command) -> None:
        """Take on a command; one that waits makes room for it."""
        waiting, self._next = self._next, command
        self._news.set()
        if waiting is not None:
            await self._reports.report(
                waiting, CommandState.SUPERSEDED, message=f"by {command.id}, not applied"
            )

    async def withdraw(self, command: Command) -> None:
        """Take a command back: not begun, it is dropped; applied, the device is released."""
        if self._next is not None and self._next.id == command.id:
            self._next = None
            await self._reports.report(command, CommandState.CANCELLED, message="not applied")
            return
        self._withdrawn[command.id] = command
        self._news.set()

    async def run(self) -> None:
        """Carry out what is offered, for ever."""
        while True:
            if self._next is None and not self._withdrawn:
                await self._news.wait()
            self._news.clear()
            if self._next is not None:
                self._current, self._next = self._next, None
                await self._carry(self._current)
                self._current = None
            for command in list(self._withdrawn.values()):
                await self._release(command)

    @property
    def _held(self) -> tuple[Command | None, Command | None]:
        return (self._current, self._next)

    async def _carry(self, command: Command) -> None:
        ended = await self._attempt_until_ended(command)
        if ended is not None:
            await self._reports.report(
                command, ended.state, value=ended.value, message=ended.message
            )

    async def _attempt_until_ended(self, command: Command) -> _Ended | None:
        """Try until the command has ended; None when it is to be released."""
        attempt = _Attempt()
        backoff = Backoff(most_seconds=2.0)
        while True:
            if command.id in self._withdrawn:
                return None
            ended = self._out_of_time(command, attempt) or await self._try(command, attempt)
            if ended is not None:
                return ended
            await self._pause(backoff)

    def _out_of_time(self, command: Command, attempt: _Attempt) -> _Ended | None:
        """Say how a command ends that must not be tried (again)."""
        if command.lease_left(self._clock.now()).total_seconds() <= 0:
            if attempt.reason:
                return _Ended(
                    CommandState.FAILED, message=f"until the lease ended: {attempt.reason}"
                )
            return _Ended(CommandState.EXPIRED, message="the lease had ended")
        if self._next is None:
            return None
        if attempt.applied:
            return _Ended(CommandState.FAILED, message=f"not verified: {attempt.reason}")
        return _Ended(CommandState.SUPERSEDED, message=f"by {self._next.id}, not applied")

    async def _try(self, command: Command, attempt: _Attempt) -> _Ended | None:
        """Find the device as it is now and set it; None when it is worth another try."""
        match self._devices.may_set(command.device, command.kind):
            case CannotSet(why=why):
                return _Ended(attempt.refused_as, message=why)
            case device:
                return await self._set(device, command, attempt)

    async def _set(self, device: Sets, command: Command, attempt: _Attempt) -> _Ended | None:
        """Write, read back; None when it is worth another try."""
        try:
            lease = command.lease_left(self._clock.now())
            applied = await ask(device.apply(command.kind, command.value, lease))
            if not attempt.applied:
                attempt.applied = True
                await self._reports.report(command, CommandState.APPLIED, value=applied.value)
            read_back = await ask(applied.read_back())
        except DeviceRefused as error:
            return _Ended(attempt.refused_as, message=str(error))
        except DeviceUnavailable as error:
            attempt.reason = str(error)
            return None
        if not read_back.mismatch:
            return _Ended(CommandState.VERIFIED, value=read_back.value)
        attempt.mismatches += 1
        attempt.reason = f"read-back differs: {read_back.mismatch}"
        if attempt.mismatches < _ATTEMPTS_TO_VERIFY:
            return None
        return _Ended(CommandState.FAILED, value=read_back.value, message=attempt.reason)

    async def _release(self, command: Command) -> None:
        """Send the device to its safe state, unless a newer command is to be applied."""
        backoff = Backoff(most_seconds=2.0)
        message = None
        while message is None:
            message = await self._try_release(command)
            if message is None:
                await self._pause(backoff)
        self._withdrawn.pop(command.id, None)
        await self._reports.report(command, CommandState.CANCELLED, message=message)

    async def _try_release(self, command: Command) -> str | None:
        """Release the device; say how it went, None when it is worth another try."""
        device = self._devices.released_by(command.device)
        if device is None:
            return "the device is not known any more"
        if self._next is not None:
            return f"{self._next.id} takes its place"
        if command.lease_left(self._clock.now()).total_seconds() <= 0:
            return "the lease has ended"
        try:
            await ask(device.release(command.kind))
        except DeviceRefused as error:
            return f"left to the device's own timer: {error}"
        except DeviceUnavailable:
            return None
        return "released"

    async def _pause(self, backoff: Backoff) -> None:
        """Wait for the next try, or until something is offered or withdrawn."""
        try:
            await race(self._news.wait(), backoff.wait())
        finally:
            self._news.clear()
