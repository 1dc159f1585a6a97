"""A command: one proposal on its way to one device, with its lease and its whole life."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_control.domain.effects.verdict import EffectVerdict
from wattmesh_control.domain.life import CommandLife, Expectation, LifeEvent
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.setpoint import Slot, channel_of
from wattmesh_kernel.ids import AssetId, CommandId, DeviceId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """By which way a command reaches its device, and what shows its effect."""

    gateway: GatewayId
    asset: AssetId


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A proposal made a command.

    `number` grows with every command that is stored (0 before) and orders those of a device on
    the wire. A command refused by control has neither target nor lease.
    """

    number: int = 0
    command: CommandId
    proposal: int | None
    """The proposal behind it; None when it was refused at the door."""
    request_id: str
    device: DeviceId
    kind: SetpointKind
    source: str
    owner: str
    priority: int
    requested_value: float
    value: float
    tolerance: float
    """How far the value read back may lie from the value sent."""
    span: TimeRange
    """When it shall hold."""
    lease_expire_time: datetime | None
    target: Target | None
    create_time: datetime
    life: CommandLife
    metered_power_w: float | None = None
    effect: EffectVerdict | None = None
    """What meters say of it, apart from what its register says; None: nothing yet."""

    @property
    def slot(self) -> Slot:
        """The channel of the device that it steers."""
        return Slot(self.device, channel_of(self.kind))

    @property
    def held(self) -> TimeRange:
        """When it held: its range, ended where it was replaced or withdrawn early."""
        if self.life.cut_time is None:
            return self.span
        end = min(self.span.end, max(self.span.start, self.life.cut_time))
        return TimeRange(self.span.start, end)

    def leased(self, moment: datetime) -> bool:
        """Return whether its lease runs at `moment`."""
        return self.lease_expire_time is not None and moment < self.lease_expire_time

    def advance(self, event: LifeEvent) -> "Command":
        """Return the command after `event`; the same when it changes nothing."""
        expected = Expectation(value=self.value, tolerance=self.tolerance, end=self.span.end)
        life = self.life.advance(event, expected)
        return self if life is self.life else replace(self, life=life)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseRule:
    """How long a lease outlives its proposal, so that the next command comes without a gap.

    `grace_ratio` of the proposal's length, for an override at most `override_grace`: with 0.25 an
    hour of a schedule is leased for 75 minutes. What is wanted for longer than `longest` gets one
    command after the other, each leased until a little after the next one comes.
    """

    grace_ratio: float = 0.25
    override_grace: timedelta = timedelta(minutes=15)
    longest: timedelta = timedelta(hours=12)

    def span(self, proposal: Proposal, start: datetime) -> TimeRange:
        """Return when a command of `proposal` that counts from `start` holds."""
        return TimeRange(start, min(proposal.span.end, start + self.longest))

    def expire_time(self, proposal: Proposal, span: TimeRange) -> datetime:
        """Return when the lease of a command of `proposal` that holds over `span` ends."""
        cut = span.end < proposal.span.end
        if proposal.origin is Origin.LIMIT and not cut:
            return span.end
        grace = proposal.span.duration * self.grace_ratio
        if cut or proposal.origin is not Origin.SCHEDULE:
            grace = min(grace, self.override_grace)
        return span.end + grace
