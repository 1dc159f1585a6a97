"""What the use cases need, as Protocols."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_gateway.domain.command import (
    Command,
    CommandRecord,
    CommandReport,
    ReadBack,
    SetpointKind,
)
from wattmesh_gateway.domain.device import Device, Presence
from wattmesh_gateway.domain.profile import MqttProfile
from wattmesh_gateway.domain.reading import Batch, Intake, Reading, SpoolStatus
from wattmesh_kernel.ids import CommandId, DeviceId


class Spool(Protocol):
    """Keeps readings on disk until metering has them."""

    async def append(self, intake: Intake) -> None:
        """Put an intake on disk; return when it is there. Waits while the spool is full."""

    async def next_batch(self, after: int, limit: int) -> Batch:
        """Return up to `limit` readings with a sequence above `after`; wait for the first."""

    async def acknowledge(self, sequence: int) -> None:
        """Delete every reading up to a sequence: metering has them."""

    async def status(self) -> SpoolStatus:
        """Return counts and contents."""


class DeviceCache(Protocol):
    """Keeps the list of devices between runs."""

    async def load_devices(self) -> Sequence[Device]:
        """Return the devices last saved."""

    async def save_devices(self, devices: Sequence[Device]) -> None:
        """Replace the saved devices."""


class SiteDirectory(Protocol):
    """The site model, which says what devices this gateway talks to."""

    async def list_devices(self) -> Sequence[Device]:
        """Return this gateway's devices; WattmeshError when the model is out of reach."""


class PolledDevice(Protocol):
    """A device that answers when it is asked."""

    async def read(self) -> Sequence[Reading]:
        """Read all points; errors: DeviceUnavailable, DeviceRefused."""


class AppliedSetpoint(Protocol):
    """A setpoint that a device acknowledged."""

    @property
    def value(self) -> float:
        """The setpoint as written, rounded to what the device can hold."""

    async def read_back(self) -> ReadBack:
        """Ask the device what it holds; errors: DeviceUnavailable, DeviceRefused."""


class SettableDevice(Protocol):
    """A device that takes leased setpoints."""

    async def apply(self, kind: SetpointKind, value: float, lease: timedelta) -> AppliedSetpoint:
        """Write a setpoint that ends by itself; errors: DeviceUnavailable, DeviceRefused."""

    async def release(self, kind: SetpointKind) -> None:
        """Send the device to its safe state; errors: DeviceUnavailable, DeviceRefused."""


class OpenedDevice(PolledDevice, SettableDevice, Protocol):
    """A device that is polled and takes setpoints."""


class Drivers(Protocol):
    """Opens devices as their profiles say."""

    async def open(self, device: Device) -> OpenedDevice | MqttProfile:
        """Return the device, or the profile of one that publishes by itself.

        Error: ProfileError when there is no such profile or it does not fit the connection.
        """


class SettableDevices(Protocol):
    """Finds devices that take setpoints."""

    def settable(self, device: DeviceId) -> SettableDevice | None:
        """Return a device; None when it is not known or takes no setpoints."""


class CommandJournal(Protocol):
    """Keeps commands and what became of them, so that a repeat gets the first answer."""

    async def find(self, command: CommandId) -> CommandRecord | None:
        """Return a command taken in before."""

    async def last_applied(self, device: DeviceId) -> Command | None:
        """Return the newest command that the device acknowledged."""

    async def save(self, command: Command, report: CommandReport) -> None:
        """Keep what became of a command, to be reported."""

    async def to_report(self, now: datetime) -> Sequence[CommandReport]:
        """Return reports not sent yet, and those of commands whose lease still runs."""

    async def mark_reported(self, report: CommandReport) -> None:
        """Take note that a report was sent."""

    async def forget_before(self, time: datetime) -> None:
        """Delete commands whose lease ended before and whose report was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """A reading that metering refused, and why."""

    point: str
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestAnswer:
    """Metering has every batch up to `acked_sequence`."""

    acked_sequence: int
    rejected: Sequence[Rejection] = ()


class IngestStream(Protocol):
    """One open stream to metering."""

    async def send(self, batch: Batch) -> None:
        """Send a batch; WattmeshError when the stream has broken."""

    def answers(self) -> AsyncIterator[IngestAnswer]:
        """Iterate over the answers until the stream ends; WattmeshError when it breaks."""


class MeteringUplink(Protocol):
    """The way to metering."""

    def open(self) -> AbstractAsyncContextManager[IngestStream]:
        """Open a stream."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatch:
    """Control wants a command carried out."""

    command: Command


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """Control withdraws a command."""

    command: CommandId
    device: DeviceId


class ControlStream(Protocol):
    """One open stream to control."""

    async def report(self, report: CommandReport) -> None:
        """Tell what became of a command; WattmeshError when the stream has broken."""

    async def tell(self, presence: Presence) -> None:
        """Tell whether a device answers; WattmeshError when the stream has broken."""

    def orders(self) -> AsyncIterator[Dispatch | Cancel]:
        """Iterate over what control wants until the stream ends; WattmeshError when it breaks."""


class ControlLink(Protocol):
    """The way to control."""

    def open(self) -> AbstractAsyncContextManager[ControlStream]:
        """Open a stream."""


class Topics(Protocol):
    """The topics that the MQTT driver listens to."""

    async def listen(self, topics: frozenset[str]) -> None:
        """Listen to exactly these from now on."""
