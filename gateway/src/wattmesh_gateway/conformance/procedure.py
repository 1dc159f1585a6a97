"""The procedure: what is done with the device, in which order, and written down."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from wattmesh_gateway.app.device_edge import ask
from wattmesh_gateway.app.ports import Driver, OpenedDevice, Sets
from wattmesh_gateway.conformance.trace import Seen, Told, Trace
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.telegram import Delivery
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device

T = TypeVar("T")

_GRACE = timedelta(seconds=3)
"""How long after its lease a device may take until it is asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is to be done: watch for a time, then tell setpoints, each with a lease."""

    watch: timedelta
    lease: timedelta
    patience: timedelta
    setpoints: Mapping[SetpointKind, float]


class Mailbox:
    """An inbox that keeps what devices say by themselves, until it is looked at."""

    def __init__(self) -> None:
        self._readings: list[Reading] = []

    def announce(self, delivery: Delivery) -> None:
        """Wait until it is taken."""

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Keep the readings of deliveries."""
        for delivery in deliveries:
            for telegram in delivery.telegrams:
                self._readings.extend(telegram.readings)

    def lost(self, device: DeviceId, why: str) -> None:
        """Take no note: that it does not speak is seen by itself."""

    def dropped(self, origin: str) -> None:
        """Take no note: the newest is what counts."""

    def empty(self) -> Sequence[Reading]:
        """Return what came since this was asked before."""
        readings, self._readings = self._readings, []
        return readings


class Procedure:
    """Runs a driver against one device."""

    def __init__(
        self, driver: Driver, mailbox: Mailbox, device: Device, profile: DeviceProfile, clock: Clock
    ) -> None:
        self._driver = driver
        self._mailbox = mailbox
        self._device = device
        self._profile = profile
        self._clock = clock
        self._seen: list[Seen] = []

    async def run(self, wanted: Wanted) -> Trace:
        """Do everything that is wanted; what goes wrong stands in the trace."""
        trace = Trace(
            profile=self._profile.name,
            title=self._profile.title,
            tested=self._profile.tested,
            protocol=self._profile.protocol,
            where=str(self._device.connection),
            begin=self._clock.now(),
            quantities=sorted(self._device.points),
            interval=self._device.reporting_interval,
            answered=False,
        )
        opened = await self._open()
        trace = replace(trace, speaks=opened.reads is None)
        try:
            error = await self._first(opened, wanted.patience)
            if error is not None:
                return replace(trace, error=error)
            await self._watch(opened, wanted.watch)
            told = [
                await self._tell(opened, kind, value, wanted.lease)
                for kind, value in wanted.setpoints.items()
            ]
        finally:
            opened.close()
        back_after = await self._come_back(wanted.patience)
        return replace(trace, answered=True, seen=self._seen, told=told, back_after=back_after)

    async def _open(self) -> OpenedDevice:
        opened = await ask(self._driver.open(self._device, self._profile))
        if opened.listens is not None:
            opened.listens.begin()
        return opened

    async def _first(self, opened: OpenedDevice, patience: timedelta) -> str | None:
        """Wait for the first values; return why there are none."""
        error = "it said nothing"
        deadline = self._clock.now() + patience
        while self._clock.now() < deadline:
            try:
                if await self._look(opened):
                    return None
            except (DeviceUnavailable, DeviceRefused) as failure:
                error = str(failure)
            await asyncio.sleep(0.2)
        return error

    async def _watch(self, opened: OpenedDevice, duration: timedelta) -> None:
        """Look again and again; a look that fails is a value that is missing."""
        every = min(self._device.reporting_interval, duration)
        end = self._clock.now() + duration
        while self._clock.now() < end:
            await self._clock.sleep(every)
            await _tried(self._look(opened))

    async def _look(self, opened: OpenedDevice) -> bool:
        """Read, or take what came by itself; return whether there was anything."""
        readings = await ask(opened.reads.read()) if opened.reads else self._mailbox.empty()
        self._seen += [
            Seen(time=each.measure_time, quantity=each.point.segment, value=each.value)
            for each in readings
        ]
        return bool(readings)

    async def _tell(
        self, opened: OpenedDevice, kind: SetpointKind, value: float, lease: timedelta
    ) -> Told:
        """Tell a setpoint, see what it does, let its lease end, and release it."""
        told = Told(
            kind=kind.value,
            asked=value,
            time=self._clock.now(),
            lease=lease,
            ends_by_itself=opened.sets is not None and opened.sets.ends_by_itself(kind),
        )
        if opened.sets is None:
            return replace(told, error="the device takes no setpoints")
        try:
            applied = await ask(opened.sets.apply(kind, value, lease))
            found = await ask(applied.read_back())
        except (DeviceUnavailable, DeviceRefused) as error:
            released = await self._released(opened.sets, kind)
            return replace(told, error=str(error), released=released)
        told = replace(told, written=applied.value, mismatch=found.mismatch)
        await self._watch(opened, lease)
        if told.ends_by_itself:
            await self._clock.sleep(_GRACE)
            left = await _tried(opened.sets.holds(kind, value))
            told = replace(told, after_lease=left.mismatch if left else None)
        return replace(told, released=await self._released(opened.sets, kind))

    async def _released(self, sets: Sets, kind: SetpointKind) -> bool | None:
        left = await _tried(sets.release(kind))
        return None if left is None else not left.mismatch

    async def _come_back(self, patience: timedelta) -> timedelta | None:
        """Open the device anew; return how long it took to answer."""
        begun = self._clock.now()
        opened = await self._open()
        try:
            if await self._first(opened, patience) is not None:
                return None
            return self._clock.now() - begun
        finally:
            opened.close()


async def _tried(work: Awaitable[T]) -> T | None:
    """Return what the device answers; None when it does not."""
    try:
        return await ask(work)
    except (DeviceUnavailable, DeviceRefused):
        return None
