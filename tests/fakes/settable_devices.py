"""Devices that take setpoints, or do not, as a test wants it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from wattmesh_gateway.app.ports import CannotSet
from wattmesh_gateway.domain.command import ReadBack
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind


@dataclass
class FakeDevice:
    """Rounds setpoints to whole numbers. `trouble` is raised until it is taken away.

    `held` is what its register holds, 0 in its safe state; `timer`: it ends leases by itself.
    """

    trouble: Exception | None = None
    trouble_after_writing: Exception | None = None
    reads_back: float | None = None
    readings: Sequence[Reading] = ()
    applied: list[tuple[float, timedelta]] = field(default_factory=list)
    attempts: int = 0
    released: int = 0
    polls: int = 0
    gate: asyncio.Event | None = None
    timer: bool = True
    clings: bool = False
    rereads: int = 0
    release_attempts: int = 0
    released_kinds: list[SetpointKind] = field(default_factory=list)
    adjusted: list[float] = field(default_factory=list)
    held: dict[SetpointKind, float] = field(default_factory=dict)

    async def read(self) -> Sequence[Reading]:
        self.polls += 1
        if self.trouble is not None:
            raise self.trouble
        return self.readings

    async def apply(
        self, kind: SetpointKind, value: float, lease: timedelta
    ) -> "FakeAppliedSetpoint":
        self.attempts += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        self.applied.append((value, lease))
        self.held[kind] = float(round(value))
        return FakeAppliedSetpoint(self, float(round(value)))

    async def adjust(self, kind: SetpointKind, value: float, lease: timedelta) -> None:
        applied = await self.apply(kind, value, lease)
        self.adjusted.append(applied.value)

    async def holds(self, kind: SetpointKind, value: float) -> ReadBack:
        self.rereads += 1
        if self.trouble is not None:
            raise self.trouble
        wanted, held = float(round(value)), self.held.get(kind, 0.0)
        return ReadBack(value=held, mismatch="" if held == wanted else f"{held}, not {wanted}")

    async def release(self, kind: SetpointKind) -> ReadBack:
        self.release_attempts += 1
        if self.trouble is not None:
            raise self.trouble
        if self.clings:
            return ReadBack(value=1.0, mismatch="WSetEna is 1, not 0")
        self.released += 1
        self.released_kinds.append(kind)
        self.held[kind] = 0.0
        return ReadBack(value=0.0)

    def ends_by_itself(self, kind: SetpointKind) -> bool:
        return self.timer


@dataclass
class FakeAppliedSetpoint:
    """What FakeDevice acknowledged."""

    device: FakeDevice
    value: float

    async def read_back(self) -> ReadBack:
        if self.device.trouble_after_writing is not None:
            raise self.device.trouble_after_writing
        held = self.device.reads_back
        if held is None or held == self.value:
            return ReadBack(value=self.value)
        return ReadBack(value=held, mismatch=f"WSet is {held}, not {self.value}")


class FakeDevices:
    """Finds devices by id; `why_not` says that none is to be told anything.

    `trouble` is raised by looking for one that answers: a fault of the gateway itself.
    """

    def __init__(self, devices: dict[DeviceId, FakeDevice]) -> None:
        self._devices = devices
        self.why_not: str | None = None
        self.trouble: Exception | None = None

    def may_set(self, device: DeviceId, kind: SetpointKind) -> FakeDevice | CannotSet:
        if self.why_not is not None:
            return CannotSet(why=self.why_not)
        return self._devices.get(device) or CannotSet(why="nobody knows the device")

    def released_by(self, device: DeviceId) -> FakeDevice | None:
        return self._devices.get(device)

    def adjustable(self, device: DeviceId) -> FakeDevice | None:
        return self._devices.get(device)

    def readable(self, device: DeviceId) -> FakeDevice | None:
        if self.trouble is not None:
            raise self.trouble
        return self._devices.get(device)
