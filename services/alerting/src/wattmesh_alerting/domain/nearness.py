"""How near a power is to its limit, and how long until it is reached as things go."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

NEAR_RATIO = 0.9
_LONGEST = timedelta(hours=6)
"""Beyond, a trend says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A power into something at a moment [W]; export is negative."""

    time: datetime
    power_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A power that must not be passed [W], into the subject positive: upwards, or downwards.

    `whose`: for people, whose limit it is.
    """

    power_w: float
    upper: bool
    whose: str

    @property
    def sign(self) -> float:
        """In which direction it binds."""
        return 1.0 if self.upper else -1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Nearness:
    """Where a power stands beside a bound; both in the bound's direction [W]."""

    power_w: float
    limit_w: float
    bound: Bound
    time_left: timedelta | None = None

    @property
    def exceeded(self) -> bool:
        """Whether it is beyond."""
        return self.power_w > self.limit_w

    @property
    def near(self) -> bool:
        """Whether it is close before, or beyond; a bound of 0 or the other way has no closeness."""
        return self.exceeded or self.power_w >= NEAR_RATIO * self.limit_w > 0

    @property
    def strain(self) -> float:
        """By how much it is beyond [W]; negative: what is left, as far as it is near."""
        return self.power_w - self.limit_w


def bounds_of(
    max_import_w: float | None, max_export_w: float | None, whose: str
) -> tuple[Bound, ...]:
    """Return a rating's bounds; 0 says that there is none."""
    found = list[Bound]()
    if max_import_w:
        found.append(Bound(power_w=max_import_w, upper=True, whose=whose))
    if max_export_w:
        found.append(Bound(power_w=-max_export_w, upper=False, whose=whose))
    return tuple(found)


def nearest(now: Sample, before: Sample | None, bounds: Iterable[Bound]) -> Nearness | None:
    """Return where a power stands beside the bound that it is nearest to, or furthest beyond.

    None: it is near none.
    """
    near = [found for each in bounds if (found := _beside(now, before, each)).near]
    return max(near, key=lambda each: (each.exceeded, each.strain), default=None)


def _beside(now: Sample, before: Sample | None, bound: Bound) -> Nearness:
    limit_w = bound.sign * bound.power_w
    return Nearness(
        power_w=bound.sign * now.power_w,
        limit_w=limit_w,
        bound=bound,
        time_left=_left(now, before, bound.sign, limit_w),
    )


def _left(now: Sample, before: Sample | None, sign: float, limit_w: float) -> timedelta | None:
    if before is None or now.time <= before.time:
        return None
    rise_w = sign * (now.power_w - before.power_w)
    short_w = limit_w - sign * now.power_w
    if rise_w <= 0 or short_w <= 0:
        return None
    left = (now.time - before.time) * min(short_w / rise_w, 1e6)
    return left if left <= _LONGEST else None
