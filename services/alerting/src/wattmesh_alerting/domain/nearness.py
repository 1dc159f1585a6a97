"""How near a power is to its limit, and how long until it is reached as things go."""

from dataclasses import dataclass
from datetime import datetime, timedelta

NEAR_RATIO = 0.9
_LONGEST = timedelta(hours=6)
"""Beyond, a trend says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A power into the site at a moment [W]; export is negative."""

    time: datetime
    power_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Nearness:
    """Where a power stands beside its limit; both as magnitudes in the limit's direction [W]."""

    power_w: float
    limit_w: float
    time_left: timedelta | None

    @property
    def exceeded(self) -> bool:
        """Whether it is above."""
        return self.power_w > self.limit_w

    @property
    def near(self) -> bool:
        """Whether it is close below, or above."""
        return self.power_w >= NEAR_RATIO * self.limit_w


def nearness(
    now: Sample, before: Sample | None, *, max_import_w: float | None, max_export_w: float | None
) -> Nearness | None:
    """Return how near the power is to the limit of its direction; None: there is no such limit."""
    sign, limit_w = (1.0, max_import_w) if now.power_w >= 0 else (-1.0, max_export_w)
    if limit_w is None or limit_w <= 0:
        return None
    power_w = sign * now.power_w
    return Nearness(power_w=power_w, limit_w=limit_w, time_left=_left(now, before, sign, limit_w))


def _left(now: Sample, before: Sample | None, sign: float, limit_w: float) -> timedelta | None:
    if before is None or now.time <= before.time:
        return None
    rise_w = sign * (now.power_w - before.power_w)
    short_w = limit_w - sign * now.power_w
    if rise_w <= 0 or short_w <= 0:
        return None
    left = (now.time - before.time) * min(short_w / rise_w, 1e6)
    return left if left <= _LONGEST else None
