"""What the use cases need, as Protocols."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_gateway.domain.command import (
    Command,
    CommandRecord,
    CommandReport,
    HeldSetpoint,
    ReadBack,
    SetpointEvent,
    SetpointMoves,
)
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_gateway.domain.intake import Intake
from wattmesh_gateway.domain.loop_event import LoopEvent
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.reading import Batch, Reading, SpoolStatus
from wattmesh_gateway.domain.session import ChargingSession
from wattmesh_gateway.domain.stay import Plug, Seen
from wattmesh_gateway.domain.telegram import Delivery, QuarantinedTelegram, Telegram
from wattmesh_kernel.ids import AssetId, CommandId, DeviceId, SiteId
from wattmesh_kernel.loop_policy import LoopPolicy, LoopPolicySet
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_kernel.setpoints import Channel, SetpointKind
from wattmesh_kernel.sites import Device

Hear = Callable[[Sequence[Reading]], None]
"""Takes in what was measured, at once and before it is kept; it may come twice."""


def hear_nothing(readings: Sequence[Reading]) -> None:
    """Let readings go by."""


class Spool(Protocol):
    """Keeps readings on disk until metering has them."""

    async def append(self, intake: Intake) -> None:
        """Put an intake on disk; return when it is there. Waits while the spool is full."""

    async def next_batch(self, after: int, limit: int) -> Batch:
        """Return up to `limit` readings with a sequence above `after`; wait for the first."""

    async def acknowledge(self, sequence: int) -> None:
        """Delete every reading up to a sequence: metering has them."""

    async def set_aside(self, batch: Batch, reason: str) -> None:
        """Put a batch that metering will never take into the quarantine, reading by reading."""

    async def status(self) -> SpoolStatus:
        """Return counts and contents."""


class Quarantine(Protocol):
    """Tells which telegrams were set aside; they go in and out with the intakes of the spool."""

    async def page(
        self, device: DeviceId | None, after: int, size: int
    ) -> Sequence[QuarantinedTelegram]:
        """Return up to `size` telegrams with an id above `after`, of a device or of all."""


class Inbox(Protocol):
    """Takes what devices say by themselves."""

    def announce(self, delivery: Delivery) -> None:
        """Let those know at once who cannot wait until it is kept; harmless to leave out."""

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; return when they are kept, so that they can be acknowledged."""

    def lost(self, device: DeviceId, why: str) -> None:
        """Take note that a device cannot speak just now."""

    def dropped(self, origin: str) -> None:
        """Take note that a message was dropped before it was kept: too many came at once."""


class Sessions(Protocol):
    """Takes what charge points say of charging sessions."""

    async def take(self, sessions: Sequence[ChargingSession]) -> None:
        """Keep sessions; return when they are kept."""


class Stays(Protocol):
    """Takes what chargers show that know no sessions by themselves."""

    async def hear(self, device: DeviceId, seen: Seen) -> None:
        """Take in what a charger shows; return when what is new of it is kept."""


class NoStays:
    """Lets it go by."""

    async def hear(self, device: DeviceId, seen: Seen) -> None:
        """Keep nothing."""


class SessionOutbox(Protocol):
    """Keeps charging sessions on disk until they were handed on."""

    async def keep(self, sessions: Sequence[ChargingSession]) -> None:
        """Keep sessions as they are now, in place of what was kept of them; older ones are not."""

    async def keep_with(
        self, device: DeviceId, plug: Plug, sessions: Sequence[ChargingSession]
    ) -> None:
        """Keep sessions and what is known of the charger, both or neither."""

    async def unsent(self, limit: int) -> Sequence[ChargingSession]:
        """Return sessions that were not handed on as they are now, oldest first."""

    async def mark_sent(self, session: ChargingSession) -> None:
        """Take note that a session was handed on, unless it is another by now."""

    async def forget_before(self, time: datetime) -> None:
        """Delete sessions that were handed on and last said something before."""


class SessionUplink(Protocol):
    """The way to whoever keeps charging sessions."""

    async def report(self, asset: AssetId, session: ChargingSession) -> None:
        """Report a session of an asset; harmless to repeat; WattmeshError when it is not taken."""


class Reads(Protocol):
    """A device that answers when it is asked."""

    async def read(self) -> Sequence[Reading]:
        """Read all points; errors: DeviceUnavailable, DeviceRefused."""


class Listens(Protocol):
    """A device that speaks by itself; what it says goes to the driver's inbox."""

    def begin(self) -> None:
        """Listen to it from now on, until it is closed."""

    def understand(self, origin: str, payload: bytes, arrival: datetime) -> Sequence[Telegram]:
        """Return what a message says; nothing when it is none of this device's."""


class AppliedSetpoint(Protocol):
    """A setpoint that a device acknowledged."""

    @property
    def value(self) -> float:
        """The setpoint as written, rounded to what the device can hold."""

    async def read_back(self) -> ReadBack:
        """Ask the device what it holds; errors: DeviceUnavailable, DeviceRefused."""


class Sets(Protocol):
    """A device that takes leased setpoints."""

    async def apply(self, kind: SetpointKind, value: float, lease: timedelta) -> AppliedSetpoint:
        """Write a setpoint that ends by itself; errors: DeviceUnavailable, DeviceRefused."""

    async def holds(self, kind: SetpointKind, value: float) -> ReadBack:
        """Ask whether the device holds a setpoint; errors: DeviceUnavailable, DeviceRefused."""

    async def release(self, kind: SetpointKind) -> ReadBack:
        """Send the device to its safe state and ask whether it is there; errors as in `holds`."""

    def ends_by_itself(self, kind: SetpointKind) -> bool:
        """Return whether the device has a timer that ends a setpoint with its lease."""


class Adjusts(Protocol):
    """A device that can be told another setpoint many times a minute."""

    async def adjust(self, kind: SetpointKind, value: float, lease: timedelta) -> None:
        """Write a setpoint as `Sets.apply` does, by what is known of the device since it was
        connected to, in as few steps as it takes; errors: DeviceUnavailable, DeviceRefused.
        """


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OpenedDevice:
    """What a driver is able to do with a device: None is what it is not."""

    close: Callable[[], None]
    """Let the device go: from now on nothing is asked of it or heard from it."""
    reads: Reads | None = None
    listens: Listens | None = None
    sets: Sets | None = None
    adjusts: Adjusts | None = None


class Driver(Protocol):
    """Talks one protocol to any number of devices."""

    async def open(self, device: Device, profile: DeviceProfile) -> OpenedDevice:
        """Return what can be done with a device; it need not answer yet.

        Error: ProfileError when connection and profile are not for this driver.
        """

    async def wait_ready(self, within_seconds: float) -> bool:
        """Wait until nothing that devices say is missed any more, but not longer; say if so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CannotSet:
    """Why a device is not to be told a setpoint."""

    why: str


class SettableDevices(Protocol):
    """Finds devices that take setpoints."""

    def may_set(self, device: DeviceId, kind: SetpointKind) -> Sets | CannotSet:
        """Return a device that is to be told a setpoint, or why it is not."""

    def released_by(self, device: DeviceId) -> Sets | None:
        """Return what can send a device to its safe state; None when it is not known."""


class LoopDevices(SettableDevices, Protocol):
    """Finds the devices of a loop."""

    def adjustable(self, device: DeviceId) -> Adjusts | None:
        """Return a device that can be told often; None when it cannot, or is not known."""

    def readable(self, device: DeviceId) -> Reads | None:
        """Return a device that answers when it is asked; None when it does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptPolicy:
    """A loop policy as it was taken: by whom it was made when, and when it ends."""

    policy: LoopPolicy
    issue_time: datetime
    expire_time: datetime


class LoopPolicies(Protocol):
    """Keeps loop policies on disk."""

    async def keep(self, policies: Sequence[KeptPolicy]) -> None:
        """Keep policies, each in place of the one of its site."""

    async def forget(self, site: SiteId) -> None:
        """Forget the policy of a site: everything was given back."""

    async def all(self) -> Sequence[KeptPolicy]:
        """Return everything that is kept."""


class CommandJournal(Protocol):
    """Keeps commands and what became of them, so that a repeat gets the first answer."""

    async def find(self, command: CommandId) -> CommandRecord | None:
        """Return a command taken in before."""

    async def last_applied(self, device: DeviceId, channel: Channel) -> Command | None:
        """Return the newest command for a channel that the device acknowledged."""

    async def save(self, command: Command, report: CommandReport) -> None:
        """Keep what became of a command, to be reported; one that is APPLIED is held."""

    async def hold(self, held: HeldSetpoint) -> None:
        """Keep what a channel of a device holds, or may hold, in place of what it held before."""

    async def let_go(self, command: Command) -> None:
        """Forget that a channel of a device holds anything."""

    async def held(self) -> Sequence[HeldSetpoint]:
        """Return everything that is held."""

    async def to_report(self, now: datetime) -> Sequence[CommandReport]:
        """Return reports not sent yet, and those of commands whose lease still runs."""

    async def mark_reported(self, reports: Sequence[CommandReport]) -> None:
        """Take note that reports were sent."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedClock:
    """Control asks what the clock shows: when it sent that, and when that came."""

    send_time: datetime
    receive_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Steer:
    """Control says what the gateway may do by itself."""

    policies: LoopPolicySet


@dataclass(frozen=True, kw_only=True, slots=True)
class PoliciesTaken:
    """The policies that control issued then are on disk, and loops run by them, since `time`."""

    issue_time: datetime
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Activate:
    """Control says what a reserve asks of a site."""

    signal: ReserveSignal


class ControlStream(Protocol):
    """One open stream to control."""

    async def report(self, report: CommandReport) -> None:
        """Tell what became of a command; WattmeshError when the stream has broken."""

    async def tell(self, status: DeviceStatus) -> None:
        """Tell whether a device answers; WattmeshError when the stream has broken."""

    async def tell_event(self, event: SetpointEvent) -> None:
        """Tell what happened to a setpoint; WattmeshError when the stream has broken."""

    async def tell_clock(self, asked: AskedClock) -> None:
        """Tell what the clock shows; WattmeshError when the stream has broken."""

    async def tell_moves(self, moves: SetpointMoves) -> None:
        """Tell what a loop told a device; WattmeshError when the stream has broken."""

    async def tell_loop_event(self, event: LoopEvent) -> None:
        """Tell what a loop did; WattmeshError when the stream has broken."""

    async def tell_policies_taken(self, taken: PoliciesTaken) -> None:
        """Tell by which policies loops run; WattmeshError when the stream has broken."""

    def orders(self) -> AsyncIterator[Dispatch | Cancel | AskedClock | Steer | Activate]:
        """Iterate over what control wants until the stream ends; WattmeshError when it breaks.

        Instants in it are by the gateway's own steady clock.
        """


class ControlLink(Protocol):
    """The way to control."""

    def open(self) -> AbstractAsyncContextManager[ControlStream]:
        """Open a stream."""
