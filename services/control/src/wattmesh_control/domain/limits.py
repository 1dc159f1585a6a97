"""Limits: those of the device, and the expiring ones that owners put on it. They intersect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from wattmesh_control.domain.envelope import Envelope
from wattmesh_control.domain.proposal import check_text
from wattmesh_control.domain.setpoint import in_words
from wattmesh_control.domain.subject import subject_of
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId, GatewayId, LimitId, SiteId
from wattmesh_kernel.setpoints import SetpointKind

LONGEST_OWNER = 128
LONGEST_REASON = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """Since `time` a gateway keeps a limit, or a site's share of it, at a site by itself."""

    site: SiteId
    gateway: GatewayId
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """An owner's bounds on the power [W] of a device, site, group or node, into it positive.

    A site's power is that of its grid connection, a group's the sum of its sites', a node's what
    flows into what hangs below it. `min_phase_power_w` and `max_phase_power_w` bound what of that
    flows in each conductor. They hold until they expire; `start_time` None: since it
    was set. `parent`: it is a share of that limit. Error:
    InvalidArgument when there is no bound, one is not finite, they cross, or it ends before it
    begins.
    """

    limit: LimitId
    subject: str
    owner: str
    min_power_w: float | None = None
    max_power_w: float | None = None
    start_time: datetime | None = None
    expire_time: datetime
    reason: str = ""
    parent: LimitId | None = None
    min_phase_power_w: float | None = None
    max_phase_power_w: float | None = None
    acknowledgements: tuple[Acknowledgement, ...] = ()

    def __post_init__(self) -> None:
        subject_of(self.subject, "limit.subject")
        check_text(self.owner, "limit.owner", LONGEST_OWNER)
        if self.reason:
            check_text(self.reason, "limit.reason", LONGEST_REASON)
        if self.start_time is not None and self.start_time >= self.expire_time:
            raise InvalidArgument(
                "INVALID_LIMIT", "a limit ends after it begins", field="limit.expire_time"
            )
        self._check_bounds()

    def _check_bounds(self) -> None:
        whole = (self.min_power_w, self.max_power_w)
        if not self.bounds_phases and whole == (None, None):
            raise InvalidArgument("INVALID_LIMIT", "a limit needs a bound", field="limit")
        _check_pair("limit.min_power_w", *whole)
        _check_pair("limit.min_phase_power_w", self.min_phase_power_w, self.max_phase_power_w)
        if self.bounds_phases and self.device is not None:
            raise InvalidArgument(
                "INVALID_LIMIT",
                "a device has no limits of single conductors",
                field="limit.max_phase_power_w",
            )

    @property
    def bounds_phases(self) -> bool:
        """Whether it bounds what flows in single conductors."""
        return self.min_phase_power_w is not None or self.max_phase_power_w is not None

    @property
    def device(self) -> DeviceId | None:
        """The device that it is on; None: it is on a site or a group."""
        subject = subject_of(self.subject, "limit.subject")
        return subject if isinstance(subject, DeviceId) else None

    @property
    def terms(self) -> str:
        """What it allows, and when, as words to compare."""
        bounds_w = (self.min_power_w, self.max_power_w)
        phase_bounds_w = (self.min_phase_power_w, self.max_phase_power_w)
        times = (self.start_time, self.expire_time)
        said = (None if each is None else each.isoformat() for each in times)
        return " ".join(map(str, (*bounds_w, *phase_bounds_w, *said)))

    def in_force(self, moment: datetime) -> bool:
        """Return whether the limit holds at `moment`."""
        begun = self.start_time is None or self.start_time <= moment
        return begun and moment < self.expire_time

    def __str__(self) -> str:
        """Return whose limit it is, and why; a share has that in its reason."""
        if self.parent is not None:
            return self.reason
        return f"the limit of {self.owner}" + (f" ({self.reason})" if self.reason else "")


def _check_pair(field: str, low: float | None, high: float | None) -> None:
    if not all(math.isfinite(bound) for bound in (low, high) if bound is not None):
        raise InvalidArgument("INVALID_LIMIT", "a bound must be finite", field="limit")
    if low is not None and high is not None and low > high:
        raise InvalidArgument(
            "INVALID_LIMIT",
            f"the lowest power {low:.6g} W is above the highest, {high:.6g} W",
            field=field,
        )


@dataclass(frozen=True, slots=True)
class Accepted:
    """The value is allowed as it is."""

    value: float


@dataclass(frozen=True, slots=True)
class Clamped:
    """The nearest value that is allowed, and why it is another."""

    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No value is allowed, and why."""

    reason: str


Answer: TypeAlias = Accepted | Clamped | Refused


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What one source allows, in the unit of the setpoint."""

    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class LimitSet:
    """All that bounds one kind of setpoint of one device at one time."""

    kind: SetpointKind
    envelope: Envelope
    limits: Sequence[Limit] = ()

    def clamp(self, value: float) -> Answer:
        """Return the nearest value inside of the intersection of all limits.

        With a battery of ±5000 W and an operator's limit of at most 2000 W, 3000 W becomes
        2000 W. Power bounds apply to currents and generation limits by their power, and forbid
        a setpoint from which no power follows.
        """
        if not self.limits and self.envelope.admits(value):
            return Accepted(value)
        if self.envelope.watts_per_unit is None and self.limits:
            return Refused(f"a {self.kind.value} setpoint cannot keep {self.limits[0]}")
        bounds = self._bounds()
        lowest = max(bounds, key=lambda bound: bound.low)
        highest = min(bounds, key=lambda bound: bound.high)
        if lowest.low > highest.high:
            return Refused(f"{lowest.source} and {highest.source} leave no value between them")
        inside = min(max(value, lowest.low), highest.high)
        allowed = self._outside_gap(inside, lowest.low, highest.high)
        if allowed is None:
            return Refused(f"{lowest.source} and {highest.source} leave only what it cannot do")
        if allowed == value:
            return Accepted(value)
        return Clamped(allowed, self._why(value, allowed, lowest, highest))

    def _bounds(self) -> list[_Bounds]:
        own = _Bounds(self.envelope.low, self.envelope.high, "the device")
        return [own, *(self._in_unit(limit) for limit in self.limits)]

    def _in_unit(self, limit: Limit) -> _Bounds:
        factor = self.envelope.watts_per_unit
        assert factor is not None, "checked by clamp"
        low = -math.inf if limit.min_power_w is None else limit.min_power_w
        high = math.inf if limit.max_power_w is None else limit.max_power_w
        ends = (low / factor, high / factor)
        return _Bounds(min(ends), max(ends), str(limit))

    def _outside_gap(self, value: float, low: float, high: float) -> float | None:
        gap = self.envelope.gap
        if gap is None or not gap[0] < value < gap[1]:
            return value
        edges = [edge for edge in gap if low <= edge <= high]
        return min(edges, key=lambda edge: (abs(edge - value), abs(edge)), default=None)

    def _why(self, value: float, allowed: float, lowest: _Bounds, highest: _Bounds) -> str:
        asked, given = in_words(value, self.kind), in_words(allowed, self.kind)
        if value > highest.high:
            return f"{asked} asked, {highest.source} allows at most {given}"
        if value < lowest.low:
            return f"{asked} asked, {lowest.source} allows at least {given}"
        return f"{asked} asked, the device cannot do that: {given} is the nearest"
