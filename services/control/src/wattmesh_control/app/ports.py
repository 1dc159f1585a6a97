"""What the use cases need from outside."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wattmesh_control.domain.command import Command
from wattmesh_control.domain.envelope import ControllableDevice
from wattmesh_control.domain.life import CommandState
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.setpoint import DeviceFilter, Slot
from wattmesh_control.domain.wish import Wish
from wattmesh_kernel.ids import AssetId, CommandId, DeviceId, GatewayId, LimitId
from wattmesh_kernel.time import TimeRange

Document = Mapping[str, object]
"""A remembered answer, as JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceEvent:
    """Something worth remembering that happened to a device."""

    device: DeviceId
    time: datetime
    what: str
    """`online`, `offline` or `lease_ended`."""
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """Counts of commands."""

    issued: int
    applied: int
    verified: int
    failed: int


class WishBook(Protocol):
    """The wishes that stand."""

    async def standing(self, devices: Collection[DeviceId], now: datetime) -> list[Wish]:
        """Return the wishes of these devices that are not over at `now`."""

    async def add(self, wishes: Sequence[Wish]) -> None:
        """Store wishes, numbered in this order."""

    async def remove(self, numbers: Collection[int]) -> None:
        """Withdraw wishes."""

    async def cut(self, ends: Sequence[tuple[int, datetime]]) -> None:
        """Let wishes end earlier."""

    async def forget(self, devices: Collection[DeviceId], now: datetime) -> None:
        """Delete the wishes of these devices that were over before `now`."""


class CommandBook(Protocol):
    """The commands and their transitions."""

    async def last(self, devices: Collection[DeviceId]) -> dict[Slot, Command]:
        """Return, locked, the newest command of each slot that came of a wish."""

    async def lock(self, command: CommandId) -> Command | None:
        """Return a command, locked until the end of the transaction."""

    async def lock_all(self, commands: Collection[CommandId]) -> list[Command]:
        """Return commands, locked until the end of the transaction."""

    async def add(self, commands: Sequence[Command]) -> list[Command]:
        """Store commands; return them numbered, in the same order."""

    async def save(self, commands: Sequence[tuple[Command, Command]], now: datetime) -> None:
        """Store how lives went on (before, after) and the transitions between them."""


class LimitBook(Protocol):
    """The limits that owners put on devices."""

    async def in_force(self, devices: Collection[DeviceId], now: datetime) -> list[Limit]:
        """Return the limits of these devices that have not expired."""

    async def put(self, limit: Limit) -> Limit:
        """Store a limit in place of its owner's on the device, whose name it keeps."""

    async def remove(self, limit: LimitId) -> None:
        """Withdraw a limit."""


class RequestBook(Protocol):
    """First answers, by request."""

    async def claim(self, method: str, request_id: str, now: datetime) -> Document | None:
        """Return the remembered answer; None when this transaction is the first to ask."""

    async def remember(self, method: str, request_id: str, answer: Document) -> None:
        """Store the answer of a request that was claimed."""


class Books(Protocol):
    """What one transaction reads and writes."""

    @property
    def wishes(self) -> WishBook:
        """The wishes."""

    @property
    def commands(self) -> CommandBook:
        """The commands."""

    @property
    def limits(self) -> LimitBook:
        """The limits."""

    @property
    def requests(self) -> RequestBook:
        """The first answers."""

    async def lock(self, devices: Collection[DeviceId]) -> None:
        """Let nobody else decide about these devices until the end of the transaction."""

    async def note(self, events: Sequence[DeviceEvent]) -> None:
        """Store events."""


class Ledger(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractAsyncContextManager[Books]:
        """Return a transaction: committed at its end, rolled back on an error."""


class CommandArchive(Protocol):
    """Reads commands without locks."""

    async def get(self, command: CommandId) -> Command | None:
        """Return one command."""

    async def page(
        self,
        devices: DeviceFilter,
        start_range: TimeRange | None,
        before: int | None,
        size: int,
    ) -> list[Command]:
        """Return at most `size` commands, newest first, numbered below `before`."""

    async def statistics(self, start_range: TimeRange | None) -> Statistics:
        """Count commands by what became of them."""

    async def unfinished(self, gateway: GatewayId, now: datetime) -> list[Command]:
        """Return a gateway's live commands that wait for an answer, their lease running."""

    async def recalled(self, gateway: GatewayId, now: datetime) -> list[Command]:
        """Return withdrawn commands that a device may still follow: lease running, none newer."""

    async def unmetered(self, after: datetime, until: datetime, limit: int) -> list[Command]:
        """Return applied commands without metered effect whose range ended in (after, until]."""

    async def set_metered(self, powers_w: Mapping[CommandId, float]) -> None:
        """Store metered effects [W]."""


class LimitArchive(Protocol):
    """Reads limits without locks."""

    async def get(self, limit: LimitId, now: datetime) -> Limit | None:
        """Return a limit in force."""

    async def page(
        self, devices: DeviceFilter, now: datetime, after: str, size: int
    ) -> list[Limit]:
        """Return at most `size` limits in force, by name, named after `after`."""


class Agenda(Protocol):
    """When something falls due."""

    async def next(self, after: datetime) -> datetime | None:
        """Return the first instant after `after` at which a wish, limit or lease begins or ends."""

    async def due(self, after: datetime, until: datetime) -> list[DeviceId]:
        """Return the devices with such an instant in (after, until]."""

    async def active(self, now: datetime) -> list[DeviceId]:
        """Return the devices with a standing wish or a live command."""


class DeviceShelf(Protocol):
    """Keeps the last known devices over a restart."""

    async def load(self) -> list[ControllableDevice] | None:
        """Return what was kept; None when nothing ever was."""

    async def store(self, devices: Sequence[ControllableDevice], now: datetime) -> None:
        """Keep these devices in place of those before."""


class SiteModel(Protocol):
    """The site model, which metering serves."""

    async def devices(self) -> list[ControllableDevice]:
        """Return every device with what its asset can do. Error: Unavailable."""


class EnergyMeter(Protocol):
    """Metered energy, which metering serves."""

    async def mean_power_w(
        self, assets: Sequence[AssetId], span: TimeRange
    ) -> dict[AssetId, float]:
        """Return the mean power into each asset [W]; an asset not fully metered is left out.

        Both ends of `span` are whole minutes. Errors: Unavailable, NotFound, InvalidArgument.
        """


class Observations(Protocol):
    """Counts what goes on, for the operators."""

    def command_moved(self, state: CommandState) -> None:
        """A command came into a state."""

    def report_ignored(self) -> None:
        """A gateway's report changed nothing."""

    def gateways_connected(self, count: int) -> None:
        """So many gateways hold a stream."""

    def effects_metered(self, count: int) -> None:
        """So many commands got their metered effect."""
