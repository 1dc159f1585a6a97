"""What a gateway may do by itself at one site, between commands: limits, and a target."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_between,
    require_finite,
    require_positive,
    require_text,
)
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.setpoints import Channel, SetpointKind, channel_of
from wattmesh_kernel.sites.asset import Phase
from wattmesh_kernel.time import TimeRange
from wattmesh_kernel.worth import EnergyWorth

_MOST_METERS = 8
_MOST_LIMITS = 64
_MOST_MEMBERS = 500
_MOST_WORTHS = 100
_MOST_SHED = 101

POWER_OF_PHASE = {
    Phase.THREE: "active_power_w",
    Phase.L1: "active_power_l1_w",
    Phase.L2: "active_power_l2_w",
    Phase.L3: "active_power_l3_w",
}
"""The quantity that shows the power in each conductor, and in all together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopMeter:
    """A meter of the grid connection, importing positive.

    `sample_interval`: how often the loop asks it; None: its readings are taken as they come.
    """

    device: DeviceId
    sample_interval: timedelta | None = None

    def __post_init__(self) -> None:
        if self.sample_interval is not None:
            _require_lasting(self.sample_interval, "sample_interval")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopLimit:
    """Bounds of what the meter may show [W], magnitudes; None: no bound.

    With `averaging_interval` the mean of the imported power over each interval of the UTC raster is
    held, as for a demand charge. `start` and `expire`: half-open; None: as long as the policy. One
    that is `only_metered` does not count as exceeded while no meter is to be trusted.
    """

    id: str
    phase: Phase = Phase.THREE
    max_import_power_w: float | None = None
    max_export_power_w: float | None = None
    averaging_interval: timedelta | None = None
    start: datetime | None = None
    expire: datetime | None = None
    only_metered: bool = False

    def __post_init__(self) -> None:
        require_text(self.id, 128, "id", required=True)
        for name in ("max_import_power_w", "max_export_power_w"):
            require_finite(getattr(self, name), name)
            require_at_least(getattr(self, name), 0, name)
        if self.averaging_interval is not None:
            _require_lasting(self.averaging_interval, "averaging_interval")
            require(
                self.max_export_power_w is None,
                "INVALID_LIMIT",
                "a mean is held for imported power alone",
                "max_export_power_w",
            )

    def holds(self, moment: datetime) -> bool:
        """Return whether it is in force at `moment`."""
        begun = self.start is None or self.start <= moment
        return begun and (self.expire is None or moment < self.expire)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopMember:
    """One thing that can be steered of one device; values in the unit of its kind.

    It takes [min_value, max_value] without the open interval `gap`. `watts_per_unit` makes power
    into the device of a value: 690 for the current of a charge point on three phases, -1 for a
    generation limit. `safe_value`: while no meter is to be trusted; `idle_value`: when nobody wants
    anything of it. For a limit, members of a lower `rank` are moved first, and of what an island
    sheds they come on again first; one that is `limits_only` is told something for a limit alone,
    and has no part in the target.
    """

    device: DeviceId
    kind: SetpointKind
    min_value: float
    max_value: float
    gap: tuple[float, float] | None = None
    watts_per_unit: float = 1.0
    phase: Phase = Phase.THREE
    safe_value: float = 0.0
    idle_value: float = 0.0
    rank: int = 0
    max_ramp_w_per_second: float | None = None
    efficient_ratio: float = 0.0
    min_soc_ratio: float | None = None
    max_soc_ratio: float | None = None
    limits_only: bool = False

    def __post_init__(self) -> None:
        for name in ("min_value", "max_value", "safe_value", "idle_value"):
            require_finite(getattr(self, name), name)
        require_finite(self.watts_per_unit, "unit_power_w")
        require(self.watts_per_unit != 0, "INVALID_VALUE", "no power", "unit_power_w")
        require_at_least(self.max_value, self.min_value, "max_value")
        for name in ("safe_value", "idle_value"):
            require_between(getattr(self, name), self.min_value, self.max_value, name)
        require_finite(self.max_ramp_w_per_second, "max_ramp_w_per_second")
        require_positive(self.max_ramp_w_per_second, "max_ramp_w_per_second")
        for name in ("efficient_ratio", "min_soc_ratio", "max_soc_ratio"):
            require_between(getattr(self, name), 0, 1, name)

    @property
    def channel(self) -> Channel:
        """What of the device it steers."""
        return channel_of(self.kind)

    @property
    def powers_w(self) -> tuple[float, float]:
        """Least and most power into it [W]."""
        ends = (self.min_value * self.watts_per_unit, self.max_value * self.watts_per_unit)
        return min(ends), max(ends)

    @property
    def gap_w(self) -> tuple[float, float] | None:
        """Powers between which it cannot be [W], not including them."""
        if self.gap is None:
            return None
        ends = (self.gap[0] * self.watts_per_unit, self.gap[1] * self.watts_per_unit)
        return min(ends), max(ends)

    def power_w(self, value: float) -> float:
        """Return the power into the device at a value [W]."""
        return value * self.watts_per_unit

    def value(self, power_w: float) -> float:
        """Return the value at a power into the device [W]."""
        return power_w / self.watts_per_unit


@dataclass(frozen=True, kw_only=True, slots=True)
class NetPower:
    """Keep the power at the grid connection [W], importing positive; 0: self-consumption."""

    power_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedPower:
    """Share a power [W] among the members without a command."""

    power_w: float


Target = NetPower | SharedPower


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopWorth:
    """What energy is worth over a time, as the owner says whose commands are moved by it."""

    span: TimeRange
    worth: EnergyWorth
    owner: str

    def __post_init__(self) -> None:
        require_text(self.owner, 64, "owner", required=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopIsland:
    """How a site goes on without the grid; see `wattmesh.gateway.v1.LoopIsland`.

    `switch`: on_off, 1 closed. `grid_meter` shows voltage or frequency on the grid's side of it.
    `shed`: what is switched off, the first one first; on again as `restored`. `forming`: the
    battery that forms the island, which gives out `forming_power_w` at most [W].
    """

    switch: LoopMember
    grid_meter: DeviceId
    sample_interval: timedelta | None = None
    nominal_voltage_v: float = 230.0
    nominal_frequency_hz: float = 50.0
    reconnect_delay: timedelta = timedelta(minutes=1)
    shed: tuple[LoopMember, ...] = ()
    forming: DeviceId | None = None
    forming_power_w: float = 0.0

    def __post_init__(self) -> None:
        opens = self.switch.kind is SetpointKind.ON_OFF
        require(opens, "INVALID_VALUE", "it is switched on and off", "island.switch")
        for name in ("nominal_voltage_v", "nominal_frequency_hz"):
            require_finite(getattr(self, name), name)
            require_positive(getattr(self, name), name)
        require_finite(self.forming_power_w, "forming_power_w")
        require_at_least(self.forming_power_w, 0, "forming_power_w")
        _require_lasting(self.reconnect_delay, "reconnect_delay")
        if self.sample_interval is not None:
            _require_lasting(self.sample_interval, "sample_interval")
        slots = {(each.device, each.channel) for each in self.members}
        once = len(slots) == len(self.members) <= _MOST_SHED
        require(once, "INVALID_VALUE", "a channel of a device stands once", "island.shed")

    @property
    def members(self) -> tuple[LoopMember, ...]:
        """All that it switches, the switch first."""
        return (self.switch, *self.shed)

    @property
    def restored(self) -> tuple[LoopMember, ...]:
        """What is shed, in the order of coming on again: by rank, and what goes off last first."""
        latest_first = list(reversed(self.shed))
        return tuple(sorted(latest_first, key=lambda each: each.rank))


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopPolicy:
    """Limits, which go before commands, and a target, which goes after them.

    By `worths` members with a command follow the meter. It holds for `lease` from when the gateway
    got it, the target until `target_expire` at most. Error: InvalidArgument for what makes no
    sense. The durations are explained in `wattmesh.gateway.v1.LoopPolicy`.
    """

    site: SiteId
    lease: timedelta
    meters: tuple[LoopMeter, ...]
    members: tuple[LoopMember, ...]
    limits: tuple[LoopLimit, ...] = ()
    target: Target | None = None
    target_expire: datetime | None = None
    dead_band_w: float = 0.0
    settling: timedelta = timedelta(0)
    stale_after: timedelta = timedelta(seconds=10)
    setpoint_lease: timedelta = timedelta(seconds=60)
    worths: tuple[LoopWorth, ...] = ()
    island: LoopIsland | None = None

    def __post_init__(self) -> None:
        _require_lasting(self.lease, "lease_duration")
        _require_lasting(self.stale_after, "stale_duration")
        _require_lasting(self.setpoint_lease, "setpoint_duration")
        settles = self.settling >= timedelta(0)
        require(settles, "INVALID_DURATION", "it must not be negative", "settling_duration")
        require_finite(self.dead_band_w, "dead_band_w")
        require_at_least(self.dead_band_w, 0, "dead_band_w")
        if self.target is not None:
            require_finite(self.target.power_w, "target")
        require_between(len(self.meters), 1, _MOST_METERS, "meters")
        require_between(len(self.limits), 0, _MOST_LIMITS, "limits")
        require_between(len(self.members), 1, _MOST_MEMBERS, "members")
        require_between(len(self.worths), 0, _MOST_WORTHS, "worths")
        spans = [each.span for each in self.worths]
        ordered = all(one.end <= other.start for one, other in pairwise(spans))
        require(ordered, "INVALID_RANGE", "they are in order and do not overlap", "worths")
        slots = {(each.device, each.channel) for each in self.members}
        once = len(slots) == len(self.members)
        require(once, "INVALID_VALUE", "a channel of a device stands once", "members")
        devices = [*(each.device for each in self.members), *(each.device for each in self.meters)]
        if self.island is not None:
            devices += [self.island.grid_meter, *(each.device for each in self.island.members)]
        at_home = all(each.site == self.site for each in devices)
        require(at_home, "INVALID_VALUE", f"a device is not of {self.site}", "members")

    def target_at(self, moment: datetime) -> Target | None:
        """Return what members without a command do together at `moment`."""
        over = self.target_expire is not None and self.target_expire <= moment
        return None if over else self.target

    def worth_at(self, moment: datetime) -> LoopWorth | None:
        """Return what energy is worth at `moment`; None: nobody said."""
        return next((each for each in self.worths if each.span.contains(moment)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopPolicySet:
    """All policies of a gateway, made at `issue_time`."""

    issue_time: datetime
    policies: tuple[LoopPolicy, ...] = ()


def _require_lasting(duration: timedelta, field: str) -> None:
    require(duration > timedelta(0), "INVALID_DURATION", "it must be positive", field)
