"""What the use cases about effects and events need from outside."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent, EventType
from wattmesh_control.domain.effects.sources import PowerPoints
from wattmesh_control.domain.effects.verdict import Effect, EffectVerdict, Standing
from wattmesh_control.domain.life import CommandState
from wattmesh_control.domain.moves import Moves
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.ids import CommandId, DeviceId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class EventQuery:
    """Which device events a list is about; empty: all."""

    devices: DeviceFilter = field(default_factory=DeviceFilter)
    span: TimeRange | None = None
    types: frozenset[EventType] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class TransitionQuery:
    """Which steps of commands a list is about; empty: all. `span`: when control took note."""

    command: CommandId | None = None
    devices: DeviceFilter = field(default_factory=DeviceFilter)
    span: TimeRange | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """One step in the life of a command, at its place in the list of all."""

    place: tuple[int, int]
    command: CommandId
    device: DeviceId
    state: CommandState
    time: datetime
    record_time: datetime
    message: str


class EffectArchive(Protocol):
    """What meters say of commands."""

    async def ended(
        self, after: datetime, until: datetime, but: Collection[int], limit: int
    ) -> list[Command]:
        """Return applied commands without a final verdict whose range ended in (after, until].

        `but`: the numbers of those that are left out.
        """

    async def running(
        self, acknowledged_until: datetime, but: Collection[int], limit: int
    ) -> list[Command]:
        """Return live commands, applied until then, without any verdict, but for those numbers."""

    async def around(self, spans: Mapping[SiteId, TimeRange]) -> dict[SiteId, list[Command]]:
        """Return sites' applied commands whose range meets the site's span, oldest first."""

    async def standings(
        self, devices: Collection[DeviceId], since: datetime
    ) -> dict[DeviceId, Standing]:
        """Return what the last independent verdict on each device, since then, made of it."""

    async def overruled(self, commands: Collection[CommandId]) -> set[CommandId]:
        """Return the commands against which a gateway's loop told the device something else."""

    async def islanded(self, spans: Mapping[SiteId, TimeRange]) -> dict[SiteId, list[TimeRange]]:
        """Return when sites were islands within a span of each, oldest first."""

    async def attempts(self, proposal: int) -> int:
        """Return how many commands of a proposal there were."""

    async def store(self, verdicts: Mapping[CommandId, EffectVerdict]) -> None:
        """Store verdicts; a final one stays."""

    async def amiss(self, since: datetime) -> dict[DeviceId, Effect]:
        """Return the devices whose last verdict, since then, is that it did not happen."""


class MoveArchive(Protocol):
    """Reads what gateways' own loops told devices in place of what their commands ask."""

    async def moves(self, commands: Collection[CommandId]) -> dict[CommandId, Moves]:
        """Return the moves of commands; those of which some are missing are left out."""


class EventArchive(Protocol):
    """Reads device events."""

    async def find(self, numbers: Collection[int]) -> list[DeviceEvent]:
        """Return events by number, oldest first."""

    async def page(self, query: EventQuery, before: int | None, size: int) -> list[DeviceEvent]:
        """Return at most `size` events, newest first, numbered below `before`."""


class TransitionArchive(Protocol):
    """Reads the steps in the life of commands."""

    async def page(
        self, query: TransitionQuery, after: tuple[int, int], size: int
    ) -> list[Transition]:
        """Return at most `size` steps by command and time, after a place in that order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerQuestion:
    """What a meter is asked; both ends of `span` are on the raster of the resolution."""

    points: PowerPoints
    span: TimeRange
    resolution: timedelta


class PowerMeter(Protocol):
    """Metered power of devices, which metering serves."""

    async def powers_w(
        self, questions: Collection[PowerQuestion]
    ) -> dict[PowerQuestion, Series | None]:
        """Return mean powers [W], NaN where missing; None for points that metering does not have.

        All are asked at once: a call for each costs more than the answers. Error: Unavailable.
        """
