"""What the use cases need from outside."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from wattmesh_control.app.draft import Draft, Standing
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent
from wattmesh_control.domain.effects.verdict import Effect, EffectReason, EffectVerdict
from wattmesh_control.domain.exchange import StandingExchange
from wattmesh_control.domain.life import CommandState
from wattmesh_control.domain.limits import Acknowledgement, Limit
from wattmesh_control.domain.setpoint import DeviceFilter, Slot
from wattmesh_kernel.ids import AssetId, CommandId, DeviceId, GatewayId, LimitId, SiteId
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_kernel.sites import Phase, SiteModel, SiteModelChange
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.leases import Lease


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request whose first answer, of type `answer`, is remembered."""

    method: str
    request_id: str
    answer: type[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a unit of work is about."""

    devices: frozenset[DeviceId] = frozenset()
    """Nobody else decides about these until it ends."""
    shared_by: str = ""
    """A site or group whose limits are read, and decided about by nobody else until it ends."""
    commands: frozenset[CommandId] = frozenset()
    """Commands to be read by name."""
    request: Request | None = None
    new_proposals: int = 0
    """At most so many proposals are added."""
    fence: tuple[Lease, ...] = ()
    """Leases under which it is done: refused when one of them has changed hands."""
    ahead: bool = False
    """Whether it is mostly about the future: last commands are read only when needed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A unit of work that holds its locks."""

    first: Any = None
    """The answer that was remembered; None when this is the first to ask."""
    numbers: Iterator[int] = field(default_factory=lambda: iter(()))
    """Numbers for new proposals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What one process of control tells the others."""

    orders: tuple[CommandId, ...] = ()
    """Commands to be sent or withdrawn by whoever holds their gateway's stream."""
    due: datetime | None = None
    """A new instant at which something falls due."""
    moved: tuple[CommandId, ...] = ()
    """Commands that watchers want to hear of."""
    wanted: GatewayId | None = None
    """A gateway that has dialled in to the sender, who wants its shard."""
    events: tuple[int, ...] = ()
    """Numbers of device events that watchers want to hear of."""
    signals: tuple[ReserveSignal, ...] = ()
    """What reserves ask of sites whose gateways are not connected to the sender."""

    def __bool__(self) -> bool:
        said = (self.orders, self.due, self.moved, self.wanted, self.events, self.signals)
        return any(said)


@dataclass(frozen=True, slots=True)
class Gap:
    """Notices may have gone unheard."""


class Transaction(Protocol):
    """What a unit of work reads and writes."""

    @property
    def added(self) -> Sequence[Command]:
        """The new commands that were written, with their numbers, once it is committed.

        Numbers of commands grow from one unit of work on a device to the next.
        """

    async def begin(self, scope: Scope, now: datetime) -> Begun:
        """Check the fence, claim the request and take the devices' locks.

        Error: Aborted `LEASE_TAKEN_OVER`.
        """

    async def read(self, scope: Scope, now: datetime) -> Standing:
        """Return what stands at `now`; without last commands when the scope is `ahead`."""

    async def last(self, devices: Collection[DeviceId], now: datetime) -> dict[Slot, Command]:
        """Return, locked, the newest command that came of a proposal, by slot.

        Only slots with a live command or a proposal that holds now.
        """

    async def write(
        self, draft: Draft, answer: tuple[Request, object] | None, notice: Notice
    ) -> None:
        """Write a draft, remember the answer, and tell the others."""


class Store(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Return a transaction: committed at its end, rolled back on an error."""

    async def note(self, events: Sequence[DeviceEvent]) -> None:
        """Store events by themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """Counts of commands."""

    issued: int
    applied: int
    verified: int
    failed: int
    superseded: int = 0
    """A newer one took its place before a device had acknowledged it."""
    effects: Mapping[tuple[Effect | None, EffectReason], int] = field(default_factory=dict)
    """Of those that were applied, by what meters say; None: nothing yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandQuery:
    """Which commands a list is about; empty: all."""

    devices: DeviceFilter = field(default_factory=DeviceFilter)
    start_range: TimeRange | None = None
    source: str = ""
    owner: str = ""
    states: frozenset[CommandState] = frozenset()
    effects: frozenset[Effect | None] = frozenset()
    """None among them: those without a verdict."""


class CommandArchive(Protocol):
    """Reads commands without locks."""

    async def get(self, command: CommandId) -> Command | None:
        """Return one command."""

    async def find(self, commands: Collection[CommandId]) -> list[Command]:
        """Return commands by name, oldest first; those that are not there are left out."""

    async def page(self, query: CommandQuery, before: int | None, size: int) -> list[Command]:
        """Return at most `size` commands, newest first, numbered below `before`."""

    async def statistics(self, start_range: TimeRange | None) -> Statistics:
        """Count commands by what became of them."""

    async def unfinished(self, gateway: GatewayId, now: datetime) -> list[Command]:
        """Return a gateway's live commands that wait for an answer, their lease running."""

    async def unsent(self, gateways: Collection[GatewayId], now: datetime) -> list[Command]:
        """Return live commands of these gateways that were never sent, their lease running."""

    async def recalled(self, gateway: GatewayId, now: datetime) -> list[Command]:
        """Return withdrawn commands that a device may still follow: lease running, none newer."""

    async def unmetered(self, after: datetime, until: datetime, limit: int) -> list[Command]:
        """Return applied commands without metered effect whose range ended in (after, until]."""

    async def set_metered(self, powers_w: Mapping[CommandId, float]) -> None:
        """Store metered effects [W]."""


class Acknowledgements(Protocol):
    """Keeps which gateways keep limits by themselves."""

    async def put(self, limits: Collection[tuple[Limit, Acknowledgement]]) -> None:
        """Keep what was said of limits as they were then; what was said of them before stands.

        Error: Unavailable.
        """


class LimitArchive(Protocol):
    """Reads limits without locks; `shared` without who acknowledged them."""

    async def get(self, limit: LimitId, now: datetime) -> Limit | None:
        """Return a limit that has not ended."""

    async def page(
        self, devices: DeviceFilter, now: datetime, after: str, size: int
    ) -> list[Limit]:
        """Return at most `size` limits that have not ended, by name, named after `after`.

        No shares of others among them.
        """

    async def shared(self, now: datetime) -> list[Limit]:
        """Return all limits of sites and groups that have not ended, and sites' shares of them."""


class ExchangeArchive(Protocol):
    """Reads what plans count on at grid connections."""

    async def newest(self) -> int:
        """Return the number of the schedule that was taken last; 0: there is none."""

    async def standing(
        self, sites: Collection[SiteId], now: datetime
    ) -> Sequence[StandingExchange]:
        """Return the schedules of sites that have not ended, oldest first."""


class ConductorArchive(Protocol):
    """Reads in which conductors flows what devices are told."""

    async def fewer(self, now: datetime) -> Mapping[DeviceId, Phase]:
        """Return the conductors of setpoints at `now` that take fewer than their devices have."""


class DueTimes(Protocol):
    """When something falls due: a proposal, limit or lease begins or ends."""

    async def next(self, after: datetime) -> datetime | None:
        """Return the first such instant after `after`."""

    async def due(self, after: datetime, until: datetime) -> list[DeviceId]:
        """Return the devices with such an instant in (after, until], or a lease that is over."""

    async def active(
        self, now: datetime, devices: Collection[DeviceId] | None = None
    ) -> list[DeviceId]:
        """Return the devices, among these or all, with a standing proposal or a live command."""


class Notices(Protocol):
    """The line between the processes of control."""

    def tell(self, notice: Notice) -> None:
        """Tell the others soon; it may be lost."""

    def heard(self) -> AsyncIterator[Notice | Gap]:
        """Give what others tell, without an end; a gap after every loss of the line."""


class SiteModelStore(Protocol):
    """Keeps the last known site model over a restart."""

    async def load(self) -> SiteModelChange | None:
        """Return the model that was kept, as the change that makes it."""

    async def store(self, model: SiteModel) -> None:
        """Keep a model in place of the one before, unless that is newer."""


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

    def clocks_compared(self, largest_seconds: float, refused: int) -> None:
        """The clocks of gateways here differ by so much at most; so many get no commands."""

    def shards_held(self, count: int) -> None:
        """So many shards are held by this process."""

    def devices_set_aside(self, count: int) -> None:
        """So many devices are set aside, because control failed on each of them alone."""

    def effects_metered(self, count: int) -> None:
        """So many commands got their metered effect."""

    def effect_judged(self, verdict: EffectVerdict) -> None:
        """A command got its final verdict, or one that is amiss."""

    def devices_amiss(self, count: int) -> None:
        """So many devices do not do what they are told."""
