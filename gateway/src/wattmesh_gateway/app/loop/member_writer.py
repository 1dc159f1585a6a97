"""Tells one member of a loop what the arbiter chooses, as often as it changes."""

import asyncio
import logging
import math
from collections.abc import Callable
from datetime import timedelta

from wattmesh_gateway.app.arbiter import Arbiter, By, Choice
from wattmesh_gateway.app.device_edge import ask
from wattmesh_gateway.app.ports import CannotSet, LoopDevices, Sets
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.loop.standing import slot_of
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.loop_policy import LoopMember
from wattmesh_runtime.aio.backoff import Backoff

log = logging.getLogger(__name__)

_NEVER = timedelta(days=1)
_SHORTEST_WAIT_SECONDS = 0.05


class MemberWriter:
    """What the loop has told one channel of a device. `run` never ends by itself.

    A device that is slow or refuses holds up nobody else: of what it is to be told meanwhile, the
    newest counts. What a loop tells ends by its own short lease, and is renewed at half of it.
    `doubtful`: nobody knows what the device was told before.
    """

    def __init__(
        self,
        member: LoopMember,
        arbiter: Arbiter,
        devices: LoopDevices,
        leases: Clock,
        *,
        doubtful: bool,
        changed: Callable[[], None],
    ) -> None:
        self.slot = slot_of(member)
        self.lost = ""
        self._member = member
        self._arbiter = arbiter
        self._devices = devices
        self._leases = leases
        self._changed = changed
        self._told: Choice | None = None
        self._doubtful = doubtful
        self._renew_at = 0.0
        self._backoff = Backoff(most_seconds=5.0)
        self._news = asyncio.Event()

    @property
    def holds(self) -> bool:
        """Whether the device holds, or may hold, what the loop told it."""
        return self._doubtful or self._told is not None

    def nudge(self) -> None:
        """Look again what the device is to be told."""
        self._news.set()

    def take_over(self, other: "MemberWriter") -> None:
        """Know what another one has told the same device."""
        self._told, self._doubtful, self.lost = other._told, other._doubtful, other.lost

    def written(self, choice: Choice, error: Exception | None) -> None:
        """Take note that the device was told something, by whomever."""
        if error is not None:
            if choice.by is not By.COMMAND:
                self._told, self._doubtful = None, True
            return
        self._doubtful = False
        self._told = None if choice.by is By.COMMAND else choice
        left = choice.lease_left(self._arbiter.command(self.slot), self._leases.now())
        self._renew_at = _now() + left.total_seconds() / 2 / self._leases.rate

    async def run(self) -> None:
        """Tell the device what it is to be told, from the first nudge on, for ever."""
        while True:
            await self._wait()
            self._news.clear()
            while not await self._step():
                self._changed()
                await self._backoff.wait()

    async def _wait(self) -> None:
        left = self._renew_at - _now() if self._told is not None else _seconds(_NEVER)
        try:
            async with asyncio.timeout(max(left, _SHORTEST_WAIT_SECONDS)):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _step(self) -> bool:
        """Have the device hold what it should; return whether it does."""
        choice = self._arbiter.choose(self.slot)
        if not self._due(choice):
            return True
        try:
            async with self._arbiter.writer(self._member.device):
                choice = self._arbiter.choose(self.slot)
                if self._due(choice):
                    await self._tell(choice)
        except (DeviceUnavailable, DeviceRefused) as error:
            if not self.lost:
                log.warning("%s cannot be told anything: %s", self._member.device, error)
            self.lost = str(error) or type(error).__name__
            return False
        if self.lost:
            log.info("%s can be told again", self._member.device)
            self.lost = ""
            self._backoff.reset()
            self._changed()
        return True

    def _due(self, choice: Choice | None) -> bool:
        """Return whether the device is to be told now; a command is written by who carries it."""
        if self.lost:
            return True
        if choice is None or choice.by is By.COMMAND:
            return self.holds
        same = self._told is not None and _alike(self._told, choice)
        return not same or _now() >= self._renew_at

    async def _tell(self, choice: Choice | None) -> None:
        if choice is None:
            await self._release()
            return
        device = self._devices.may_set(self._member.device, choice.kind)
        if isinstance(device, CannotSet):
            raise DeviceRefused(device.why)
        lease = choice.lease_left(self._arbiter.command(self.slot), self._leases.now())
        if lease <= timedelta(0):
            return
        self._arbiter.begin(self.slot, choice)
        try:
            await ask(self._write(device, choice, lease))
        except (DeviceUnavailable, DeviceRefused) as error:
            self._arbiter.end(self.slot, choice, error)
            raise
        except asyncio.CancelledError:
            self._arbiter.end(self.slot, choice, DeviceUnavailable("it was cut off"))
            raise
        self._arbiter.end(self.slot, choice)

    async def _write(self, device: Sets, choice: Choice, lease: timedelta) -> None:
        adjusts = self._devices.adjustable(self._member.device)
        if adjusts is None:
            await device.apply(choice.kind, choice.value, lease)
        else:
            await adjusts.adjust(choice.kind, choice.value, lease)

    async def _release(self) -> None:
        device = self._devices.released_by(self._member.device)
        if device is not None:
            left = await ask(device.release(self._member.kind))
            if left.mismatch:
                raise DeviceUnavailable(left.mismatch)
        self._told, self._doubtful = None, False
        self._arbiter.released(self.slot)
        self._changed()


def _alike(one: Choice, other: Choice) -> bool:
    close = math.isclose(one.value, other.value, rel_tol=1e-9, abs_tol=1e-6)
    return close and (one.kind, one.by) == (other.kind, other.by)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _seconds(duration: timedelta | None) -> float:
    return 0.0 if duration is None else duration.total_seconds()
