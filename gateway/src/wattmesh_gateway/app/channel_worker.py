"""Carries out the commands of one channel of a device; the newest wins, and what is held ends."""

import asyncio
import logging
import math
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_gateway.app.arbiter import Arbiter, Choice, Slot
from wattmesh_gateway.app.device_edge import ask
from wattmesh_gateway.app.held_setpoint import Held
from wattmesh_gateway.app.ports import (
    AppliedSetpoint,
    CannotSet,
    CommandJournal,
    Sets,
    SettableDevices,
)
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.app.spans import CARRY_COMMAND, READ_BACK, WRITE_SETPOINT
from wattmesh_gateway.domain.command import Command, CommandState, HeldSetpoint, ReadBack
from wattmesh_gateway.domain.errors import DeviceFailed, DeviceRefused, DeviceUnavailable
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import CommandId
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.spans import traced
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

_ATTEMPTS_TO_VERIFY = 3
_FAILURES_OF_THE_DEVICE = 3
_LEASE_ENDED = "the lease has ended"


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a command ended."""

    state: CommandState
    value: float | None = None
    message: str = ""
    overruled_by: str = ""


@dataclass(slots=True)
class _Attempt:
    """How far the attempts at a command have come.

    `expected`: it is on disk that the device may hold it. `touched`: it may indeed, as a part of
    it was sent.
    """

    expected: bool = False
    touched: bool = False
    applied: bool = False
    mismatches: int = 0
    failures: int = 0
    reason: str = ""

    @property
    def refused_as(self) -> CommandState:
        """What a refusal makes of the command: what was applied before has failed."""
        return CommandState.FAILED if self.applied else CommandState.REFUSED


class ChannelWorker:
    """One channel's commands and what the device holds of them. `run` never ends by itself.

    The arbiter's writer is taken for each talk with the device: the channels of a device share one.
    What a command comes to is the arbiter's choice: a loop may tell the device something else.
    """

    def __init__(
        self,
        devices: SettableDevices,
        reports: Reports,
        journal: CommandJournal,
        clock: Clock,
        arbiter: Arbiter,
        slot: Slot,
        reread_seconds: float,
    ) -> None:
        self._devices = devices
        self._reports = reports
        self._journal = journal
        self._clock = clock
        self._arbiter = arbiter
        self._slot = slot
        self._writer = arbiter.writer(slot[0])
        self._reread_seconds = reread_seconds
        self._current: Command | None = None
        self._next: Command | None = None
        self._withdrawn: CommandId | None = None
        self._held: Held | None = None
        self._news = asyncio.Event()

    def find(self, command: CommandId) -> Command | None:
        """Return a command that is being carried out or waits for it."""
        return next((each for each in self._begun if each and each.id == command), None)

    @property
    def newest_sequence(self) -> int:
        """The sequence of the newest command taken on and not ended; 0 when there is none."""
        return max((each.sequence for each in self._begun if each), default=0)

    def resume(self, found: HeldSetpoint, *, proven: bool) -> None:
        """Take over what the device held when the gateway was here last."""
        self._held = self._hold(found.command)
        self._held.proven = proven
        if found.releasing:
            cancelled = found.command if found.cancelled else None
            self._held.release("to be released since before the restart", cancelled)
        self._say_what_is_in_force()

    async def offer(self, command: Command) -> None:
        """Take on a command; one that waits makes room for it."""
        waiting, self._next = self._next, command
        self._news.set()
        if waiting is not None:
            await self._report_superseded(waiting)

    async def withdraw(self, command: Command) -> None:
        """Take a command back: not begun, it is dropped; held, the device is released."""
        if self._next is not None and self._next.id == command.id:
            self._next = None
            await self._reports.report(command, CommandState.CANCELLED, message="not applied")
        elif self._current is not None and self._current.id == command.id:
            self._withdrawn = command.id
            self._news.set()
        elif self._held is not None and self._held.command.id == command.id:
            await self._begin_release(self._held, "withdrawn", command)
            self._news.set()
        else:
            await self._reports.report(command, CommandState.CANCELLED, message="not held")

    async def run(self) -> None:
        """Carry out what is offered, watch and release what is held, for ever."""
        while True:
            self._news.clear()
            if self._next is not None:
                await self._carry_next()
            elif self._held is None:
                await self._news.wait()
            elif self._held.releasing:
                await self._release(self._held)
            else:
                await self._watch(self._held)

    @property
    def _begun(self) -> tuple[Command | None, Command | None]:
        return (self._current, self._next)

    async def _carry_next(self) -> None:
        assert self._next is not None
        command, self._next = self._next, None
        self._current, attempt = command, _Attempt()
        self._arbiter.put_in_force(self._slot, command)
        before = self._held
        if before is not None and before.cancelled is not None:
            await self._end_cancelled(before, f"{command.id} takes its place")
        about = {"command": command.id.name, "device": command.device.name}
        kind = command.kind.value
        with traced(CARRY_COMMAND, parents=(command.trace_parent,), kind=kind, about=about):
            ended = await self._attempt_until_ended(command, attempt)
        if self._withdrawn == command.id:
            ended = None  # it came while the device was being told
        self._current, self._withdrawn = None, None
        if ended is not None:
            await self._reports.report(
                command,
                ended.state,
                value=ended.value,
                message=ended.message,
                overruled_by=ended.overruled_by,
            )
        await self._settle(command, attempt, ended, before)
        self._say_what_is_in_force()

    def _say_what_is_in_force(self) -> None:
        """Have the arbiter know by which command the device is held, if it is not released."""
        held = self._held
        in_force = None if held is None or held.releasing else held.command
        self._arbiter.put_in_force(self._slot, in_force)

    async def _settle(
        self, command: Command, attempt: _Attempt, ended: _Ended | None, before: Held | None
    ) -> None:
        """See to what the device holds now that a command has ended; None: it was withdrawn."""
        if attempt.touched and self._held is not None:
            if ended is None:
                await self._begin_release(self._held, "withdrawn", command)
            elif ended.state is CommandState.VERIFIED:
                self._held.proven = True
            elif ended.state is not CommandState.SUPERSEDED and self._next is None:
                await self._begin_release(self._held, ended.message or ended.state.value)
            return
        if ended is None:
            await self._reports.report(command, CommandState.CANCELLED, message="not applied")
        if attempt.expected:
            await self._restore(command, before)
        if before is not None and self._next is None and (ended is None or not before.proven):
            await self._begin_release(before, f"{command.id} did not take its place")

    async def _attempt_until_ended(self, command: Command, attempt: _Attempt) -> _Ended | None:
        """Try until the command has ended; None when it was withdrawn."""
        backoff = Backoff(most_seconds=2.0)
        while True:
            if self._withdrawn == command.id:
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
                await self._expect_to_hold(device, command, attempt)
                return await self._set(device, command, attempt)

    async def _expect_to_hold(self, device: Sets, command: Command, attempt: _Attempt) -> None:
        """Have on disk that the device may hold it, if nothing but this gateway would end it."""
        if not attempt.expected and not device.ends_by_itself(command.kind):
            await self._journal.hold(HeldSetpoint(command=command))
            attempt.expected = True

    async def _restore(self, command: Command, before: Held | None) -> None:
        """Have on disk again what the device held before a command that it did not take."""
        if before is None:
            await self._journal.let_go(command)
        else:
            await self._journal.hold(HeldSetpoint(command=before.command))

    async def _set(self, device: Sets, command: Command, attempt: _Attempt) -> _Ended | None:
        """Write, read back; None when it is worth another try."""
        try:
            async with self._writer:
                return await self._write(device, command, attempt)
        except DeviceRefused as error:
            if error.begun:
                self._touch(command, attempt)
            return _Ended(attempt.refused_as, message=str(error))
        except DeviceFailed as error:
            self._touch(command, attempt)
            attempt.failures += 1
            attempt.reason = str(error)
            if attempt.failures < _FAILURES_OF_THE_DEVICE:
                return None
            return _Ended(CommandState.FAILED, message=attempt.reason)
        except DeviceUnavailable as error:
            self._touch(command, attempt)
            attempt.reason = str(error)
            return None

    async def _write(self, device: Sets, command: Command, attempt: _Attempt) -> _Ended | None:
        choice = self._arbiter.choose(self._slot) or _as_asked(command)
        lease = choice.lease_left(command, self._clock.now())
        applied = await self._apply(device, choice, lease)
        self._touch(command, attempt)
        read_back = await self._read_back(applied, command, attempt, choice)
        if not read_back.mismatch:
            value = read_back.value if choice.kind is command.kind else None
            return _Ended(CommandState.VERIFIED, value=value, overruled_by=choice.why)
        attempt.mismatches += 1
        attempt.reason = f"read-back differs: {read_back.mismatch}"
        if attempt.mismatches < _ATTEMPTS_TO_VERIFY:
            return None
        return _Ended(CommandState.FAILED, value=read_back.value, message=attempt.reason)

    async def _apply(self, device: Sets, choice: Choice, lease: timedelta) -> AppliedSetpoint:
        """Write; the loop knows when, and whether it was."""
        self._arbiter.begin(self._slot, choice)
        try:
            with traced(WRITE_SETPOINT, device=self._slot[0].name):
                applied = await ask(device.apply(choice.kind, choice.value, lease))
        except (DeviceUnavailable, DeviceRefused) as error:
            self._arbiter.end(self._slot, choice, error)
            raise
        self._arbiter.end(self._slot, choice)
        return applied

    async def _read_back(
        self, applied: AppliedSetpoint, command: Command, attempt: _Attempt, choice: Choice
    ) -> ReadBack:
        """Read back while it is put on disk that it was applied: a disk may take its time."""
        if attempt.applied:
            with traced(READ_BACK, device=command.device.name):
                return await ask(applied.read_back())
        attempt.applied = True
        keeping = asyncio.ensure_future(self._report_applied(command, applied.value, choice))
        try:
            with traced(READ_BACK, device=command.device.name):
                return await ask(applied.read_back())
        finally:
            await keeping

    async def _report_applied(self, command: Command, written: float, choice: Choice) -> None:
        """Report what was written, and in words if that is not what was asked."""
        if choice.why:
            message = f"asked {command.value:g}, told {written:g}: {choice.why}"
        elif not math.isclose(written, command.value, rel_tol=1e-9, abs_tol=1e-9):
            message = f"asked {command.value:g}, written {written:g}: the nearest it can hold"
        else:
            message = ""
        await self._reports.report(
            command,
            CommandState.APPLIED,
            value=written if choice.kind is command.kind else None,
            message=message,
            overruled_by=choice.why,
        )

    def _touch(self, command: Command, attempt: _Attempt) -> None:
        """Take note that the device may hold it from now on."""
        if not attempt.touched:
            attempt.touched = True
            self._held = self._hold(command)

    def _hold(self, command: Command) -> Held:
        return Held(command, self._devices, self._reports, self._clock, self._arbiter)

    async def _watch(self, held: Held) -> None:
        """Look after a held setpoint until something is new, or once."""
        if not held.lease_has_ended:
            look = held.next_look(self._reread_seconds)
            await race(self._news.wait(), self._clock.sleep_until(look))
        if held.lease_has_ended:
            await self._begin_release(held, _LEASE_ENDED)
        elif not self._news.is_set():
            await held.look()

    async def _begin_release(self, held: Held, why: str, cancelled: Command | None = None) -> None:
        """From now on the device is to be released, after a restart of the gateway too."""
        held.release(why, cancelled)
        if self._current is None:
            self._arbiter.put_in_force(self._slot, None)
        await self._journal.hold(
            HeldSetpoint(command=held.command, releasing=True, cancelled=held.cancelled is not None)
        )

    async def _release(self, held: Held) -> None:
        """Try once to release; wait when it is worth another try."""
        how = await held.try_release()
        if how is None:
            await self._pause(held.backoff)
            return
        await self._journal.let_go(held.command)
        self._held = None
        held.released(how)
        await self._end_cancelled(held, how)

    async def _end_cancelled(self, held: Held, how: str) -> None:
        """Report the command that was withdrawn, if it was."""
        command, held.cancelled = held.cancelled, None
        held.releasing = ""
        held.proven = False
        if command is not None:
            await self._reports.report(command, CommandState.CANCELLED, message=how)

    async def _report_superseded(self, waiting: Command) -> None:
        by = self._next.id if self._next else "another"
        await self._reports.report(
            waiting, CommandState.SUPERSEDED, message=f"by {by}, not applied"
        )

    async def _pause(self, backoff: Backoff) -> None:
        """Wait for the next try, or until something is offered or withdrawn."""
        try:
            await race(self._news.wait(), backoff.wait())
        finally:
            self._news.clear()


def _as_asked(command: Command) -> Choice:
    return Choice(kind=command.kind, value=command.value)
