"""A setpoint that a device holds: watched within its lease, and released for certain after it."""

import asyncio
import logging
from datetime import datetime, timedelta

from wattmesh_gateway.app.arbiter import Arbiter, By
from wattmesh_gateway.app.device_edge import ask
from wattmesh_gateway.app.ports import CannotSet, Sets, SettableDevices
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.domain.command import Command, ReadBack, SetpointEventType
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.aio.backoff import Backoff

log = logging.getLogger(__name__)

_EVENT_SECONDS = 60.0
"""How often the same is told again [s of the wall]."""

_TIMER_LEAD = timedelta(seconds=2)
"""A device's own timer ends this much before the lease at most: by then nothing has drifted."""


class Held:
    """What one channel of a device holds, or may hold.

    `proven`: it was read back as written. `releasing`: it is to be released, and says why.
    `cancelled`: the command to report as CANCELLED once it is.
    """

    def __init__(
        self,
        command: Command,
        devices: SettableDevices,
        reports: Reports,
        clock: Clock,
        arbiter: Arbiter,
    ) -> None:
        self.command = command
        self.proven = False
        self.releasing = ""
        self.cancelled: Command | None = None
        self.backoff = Backoff(most_seconds=5.0)
        self._devices = devices
        self._reports = reports
        self._clock = clock
        self._arbiter = arbiter
        self._writer = arbiter.writer(command.device)
        self._reapplied = False
        self._told: dict[SetpointEventType, float] = {}

    @property
    def lease_has_ended(self) -> bool:
        """Whether the device must be in its safe state by now."""
        return self.command.lease_left(self._clock.now()) <= timedelta(0)

    def next_look(self, every_seconds: float) -> datetime:
        """Return when it is to be read again, or its lease ends."""
        look = self._clock.now() + timedelta(seconds=every_seconds * self._clock.rate)
        return min(look, self.command.lease_expire_time)

    def release(self, why: str, cancelled: Command | None = None) -> None:
        """Have it released from now on."""
        self.releasing = why
        self.cancelled = cancelled or self.cancelled
        self.backoff.reset()

    async def look(self) -> None:
        """Ask the device whether it still holds it; once in a lease, write it again if not.

        What a loop tells the device instead is the loop's to look after.
        """
        command = self.command
        if self._overruled:
            return
        device = self._devices.may_set(command.device, command.kind)
        ends = command.lease_left(self._clock.now()) <= _TIMER_LEAD
        if isinstance(device, CannotSet) or ends or not self.proven:
            return
        try:
            async with self._writer:
                found = await ask(device.holds(command.kind, command.value))
            if found.mismatch and not self._overruled:
                await self._drifted(device, found)
        except (DeviceUnavailable, DeviceRefused) as error:
            log.debug("%s cannot be read again: %s", command.device, error)

    async def try_release(self) -> str | None:
        """Release the device and read that back; say how it ended, None when it has not."""
        device = self._devices.released_by(self.command.device)
        if device is None:
            return "the device is not known any more"
        try:
            async with self._writer:
                if self._overruled:
                    return "left to the loop"
                left = await ask(device.release(self.command.kind))
            problem = left.mismatch
            if not problem:
                self._arbiter.released(self.command.slot)
        except (DeviceUnavailable, DeviceRefused) as error:
            problem = str(error)
        if not problem:
            return "released"
        if self.lease_has_ended and device.ends_by_itself(self.command.kind):
            return f"left to the device's own timer, which has ended: {problem}"
        self._tell(SetpointEventType.RELEASE_PENDING, None, f"{self.releasing}; {problem}")
        return None

    @property
    def _overruled(self) -> bool:
        """Whether the device is told something else than the command just now."""
        choice = self._arbiter.choose(self.command.slot)
        return choice is not None and choice.by is not By.COMMAND

    def released(self, how: str) -> None:
        """Tell that it is over."""
        message = f"{self.releasing}; {how}"
        self._reports.event(self.command, SetpointEventType.RELEASED, message=message)

    async def _drifted(self, device: Sets, found: ReadBack) -> None:
        self._tell(SetpointEventType.DRIFTED, found.value, found.mismatch)
        if self._reapplied or self.releasing:
            return
        command = self.command
        async with self._writer:
            if self._overruled:
                return
            lease = command.lease_left(self._clock.now())
            applied = await ask(device.apply(command.kind, command.value, lease))
            self._reapplied = True
            found = await ask(applied.read_back())
        if not found.mismatch:
            self._tell(SetpointEventType.REAPPLIED, found.value, "written again")

    def _tell(self, type_: SetpointEventType, value: float | None, message: str) -> None:
        """Tell it unless it was told just now."""
        now = asyncio.get_running_loop().time()
        if now - self._told.get(type_, -_EVENT_SECONDS) < _EVENT_SECONDS:
            return
        self._told[type_] = now
        log.warning("%s: %s: %s", self.command.device, type_.value, message)
        self._reports.event(self.command, type_, value=value, message=message)
