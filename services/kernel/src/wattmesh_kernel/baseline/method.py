"""How a baseline is worked out, as a value."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from wattmesh_kernel.checks import require, require_between

MOST_DAYS = 20
_NONE = timedelta(0)
_DAY = timedelta(days=1)


class BaselineMethod(Enum):
    """How a baseline is worked out."""

    HIGH_OF_RECENT_DAYS = "high_of_recent_days"
    """Mean of the highest of the last days of the same kind: "high 5 of 10"."""
    MIDDLE_OF_RECENT_DAYS = "middle_of_recent_days"
    """Mean of the middle ones of them, highest and lowest left out: "middle 8 of 10"."""
    METER_BEFORE = "meter_before"
    """The mean of what was metered just before, held."""
    DECLARED = "declared"
    """What was declared beforehand."""


BY_RECENT_DAYS = frozenset(
    {BaselineMethod.HIGH_OF_RECENT_DAYS, BaselineMethod.MIDDLE_OF_RECENT_DAYS}
)
_USUAL_COUNTS = {
    BaselineMethod.HIGH_OF_RECENT_DAYS: 5,
    BaselineMethod.MIDDLE_OF_RECENT_DAYS: 8,
}
_USUAL_CONSIDERED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """How a baseline is moved to what the day is like: by `window` before the event.

    The window ends `gap` before the start. The baseline is moved by the ratio (or, unless
    `multiplicative`, the difference) of what was metered in the window to the baseline in it, by
    at most `most_ratio` of the baseline.
    """

    window: timedelta
    gap: timedelta = _NONE
    most_ratio: float
    multiplicative: bool = False

    def __post_init__(self) -> None:
        require(
            _NONE < self.window <= _DAY,
            "INVALID_DURATION",
            "a window is above 0 and at most a day long",
            "window_duration",
        )
        require(
            _NONE <= self.gap <= _DAY,
            "INVALID_DURATION",
            "a gap is at most a day long",
            "gap_duration",
        )
        require_between(self.most_ratio, 0.0, 1.0, "max_adjustment_ratio")


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """A method with its counts: the `counted` ones of the last `considered` days; 0: as usual."""

    method: BaselineMethod
    counted: int = 0
    considered: int = 0
    adjustment: Adjustment | None = None

    def __post_init__(self) -> None:
        for field, days in (
            ("counted_day_count", self.counted),
            ("considered_day_count", self.considered),
        ):
            require(0 <= days <= MOST_DAYS, "INVALID_VALUE", f"{field} is 0 to {MOST_DAYS}", field)
        require(
            self.counted_days <= self.considered_days,
            "INVALID_VALUE",
            "no more days count than are considered",
            "counted_day_count",
        )

    @property
    def counted_days(self) -> int:
        """How many days count."""
        return self.counted or _USUAL_COUNTS.get(self.method, 1)

    @property
    def considered_days(self) -> int:
        """How many days are looked at."""
        return self.considered or max(_USUAL_CONSIDERED, self.counted)
