"""What the use cases about effects and events need from outside."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent, EventType
from wattmesh_control.domain.effects.sources import PowerPoints
from wattmesh_control.domain.effects.verdict import Effect, EffectVerdict
from wattmesh_control.domain.life import CommandState
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.ids import CommandId, DeviceId, PointId, SiteId
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

    async def ended(self, after: datetime, until: datetime, limit: int) -> list[Command]:
        """Return applied commands without a final verdict whose range ended in (after, until]."""

    async def running(self, acknowledged_until: datetime, limit: int) -> list[Command]:
        """Return live commands, applied until then, without any verdict."""

    async def around(self, site: SiteId, span: TimeRange) -> list[Command]:
        """Return a site's applied commands that began or ended in a span, oldest first."""

    async def vouched(self, device: DeviceId, since: datetime) -> bool:
        """Return whether the last independent verdict on a device confirmed it, lately."""

    async def overruled(self, command: CommandId) -> bool:
        """Return whether a gateway's loop ever told the device something else than a command."""

    async def attempts(self, proposal: int) -> int:
        """Return how many commands of a proposal there were."""

    async def store(self, verdicts: Mapping[CommandId, EffectVerdict]) -> None:
        """Store verdicts; a final one stays."""

    async def amiss(self, since: datetime) -> dict[DeviceId, Effect]:
        """Return the devices whose last verdict, since then, is that it did not happen."""


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


class PowerMeter(Protocol):
    """Metered power of one device, which metering serves."""

    async def power_w(
        self, points: PowerPoints, span: TimeRange, resolution: timedelta
    ) -> Series | None:
        """Return mean power [W], NaN where missing; None for points that metering does not have.

        Both ends of `span` are on the raster of the resolution. Error: Unavailable.
        """

    async def last(self, point: PointId, span: TimeRange) -> float | None:
        """Return the mean of a gauge over a span. Error: Unavailable."""
