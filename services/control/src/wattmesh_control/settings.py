"""The settings of control."""

from datetime import timedelta

from pydantic import Field

from wattmesh_control.app.follow_up import EffectAction, EffectPolicy
from wattmesh_control.app.judge_effects import JudgeRhythm
from wattmesh_control.app.meter_effects import EffectRhythm
from wattmesh_control.domain.clock_skew import ClockRule
from wattmesh_control.domain.command import LeaseRule
from wattmesh_control.domain.effects.verdict import EffectRule
from wattmesh_control.domain.loop_policy import LoopRule
from wattmesh_runtime.settings import ServiceSettings


class ControlSettings(ServiceSettings):
    """Read from `WATTMESH_*` variables; durations in seconds of the clock unless said."""

    database_url: str
    """PostgreSQL; tables are in the schema `control`."""
    metering_target: str
    """host:port of metering: the site model, and metered effects."""
    lease_grace_ratio: float = Field(default=0.25, ge=0, le=10)
    """How long a lease outlives its setpoint, as a share of the setpoint's length."""
    override_grace_seconds: float = Field(default=900, ge=0)
    """How long the lease of an override outlives it at most."""
    read_back_tolerance_ratio: float = Field(default=0.02, ge=0, le=1)
    """How far a read-back may lie off, as a share of the device's largest value."""
    clock_skew_told_seconds: float = Field(default=5, gt=0)
    """From which difference on it is told that a gateway's clock is off; seconds of the wall."""
    clock_skew_refused_seconds: float = Field(default=60, gt=0)
    """Beyond which difference a gateway gets no commands; seconds of the wall."""
    clock_compare_seconds: float = Field(default=30, gt=0)
    """How often the clocks of gateways are compared; seconds of the wall."""
    shard_poll_seconds: float = Field(default=2, gt=0)
    """How often it is looked which gateways nobody looks after; seconds of the wall."""
    effect_interval_seconds: float = Field(default=900, gt=0)
    """How often it is looked whether the effect of a command is metered."""
    effect_patience_seconds: float = Field(default=86_400, gt=0)
    """How long after its end the effect of a command is still asked for."""

    effect_look_seconds: float = Field(default=60, gt=0)
    """How often it is looked at meters whether running commands have their effect."""
    effect_settling_seconds: float = Field(default=10, ge=0)
    """How long after its acknowledgement a device may take."""
    effect_tolerance_ratio: float = Field(default=0.1, gt=0, lt=1)
    """How far metered power may lie off, as a share of what was asked."""
    effect_grid_interval_seconds: float = Field(default=300, gt=0)
    """A grid meter that reports less often than this tells no device from another."""
    effect_vouching_seconds: float = Field(default=86_400, ge=0)
    """How long the agreement of an independent meter speaks for a device's own."""
    effect_none_action: EffectAction = EffectAction.RETRY
    """What is done when a running command has no effect: tell, retry, release, hand_over."""
    effect_contrary_action: EffectAction = EffectAction.RELEASE
    """The same when the opposite of a running command happens."""
    loop_lease_seconds: float = Field(default=86_400, gt=0)
    """How long gateways keep the limits of a site by themselves while control is away."""
    loop_meter_seconds: float = Field(default=10, gt=0)
    """A meter whose messages come less often than that guards no limit, unless it can be asked."""

    loop_ramp_seconds: float = Field(default=0, ge=0)
    """How long a loop takes at least to move a device by its largest power; not for a limit."""

    @property
    def loop(self) -> LoopRule:
        """How the loops of gateways are."""
        return LoopRule(
            lease=timedelta(seconds=self.loop_lease_seconds),
            slowest_meter=timedelta(seconds=self.loop_meter_seconds),
            ramp=timedelta(seconds=self.loop_ramp_seconds) if self.loop_ramp_seconds else None,
        )

    @property
    def lease(self) -> LeaseRule:
        """How long leases are."""
        return LeaseRule(
            grace_ratio=self.lease_grace_ratio,
            override_grace=timedelta(seconds=self.override_grace_seconds),
        )

    def clock_rule(self, rate: float) -> ClockRule:
        """What follows of a gateway's clock, on a clock that runs at `rate`."""
        return ClockRule(
            tell=timedelta(seconds=self.clock_skew_told_seconds * rate),
            refuse=timedelta(seconds=self.clock_skew_refused_seconds * rate),
        )

    @property
    def effect_rhythm(self) -> EffectRhythm:
        """When effects are metered."""
        return EffectRhythm(
            interval=timedelta(seconds=self.effect_interval_seconds),
            patience=timedelta(seconds=self.effect_patience_seconds),
        )

    @property
    def judge_rhythm(self) -> JudgeRhythm:
        """When verdicts are given."""
        return JudgeRhythm(
            look=timedelta(seconds=self.effect_look_seconds),
            interval=timedelta(seconds=self.effect_interval_seconds),
            patience=timedelta(seconds=self.effect_patience_seconds),
        )

    @property
    def effect_rule(self) -> EffectRule:
        """How verdicts are found."""
        return EffectRule(
            tolerance_ratio=self.effect_tolerance_ratio,
            settling=timedelta(seconds=self.effect_settling_seconds),
            vouching=timedelta(seconds=self.effect_vouching_seconds),
            longest_grid_interval=timedelta(seconds=self.effect_grid_interval_seconds),
        )

    @property
    def effect_policy(self) -> EffectPolicy:
        """What is done about a command that is amiss."""
        return EffectPolicy(none=self.effect_none_action, contrary=self.effect_contrary_action)
