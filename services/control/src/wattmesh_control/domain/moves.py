"""What a gateway's own loop told a device in place of what its command asks."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from wattmesh_kernel.errors import InvalidArgument

MOST_TOGETHER = 1000
MOST_OF_A_COMMAND = 20_000
"""More than one every two seconds of half a day: what comes beyond is not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moves:
    """Powers that a device was told [W], each from its time until the next; times never fall."""

    times: tuple[datetime, ...]
    powers_w: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.times or len(self.times) != len(self.powers_w):
            raise InvalidArgument(
                "INVALID_VALUE", "moves need a power for each time", field="moves"
            )
        if any(later < earlier for earlier, later in pairwise(self.times)):
            raise InvalidArgument("INVALID_VALUE", "moves whose times fall", field="moves")

    def delayed(self, by: timedelta) -> "Moves":
        """Return the same moves, all later by so much."""
        return replace(self, times=tuple(each + by for each in self.times))

    def last(self, count: int) -> "Moves":
        """Return the last so many."""
        return Moves(times=self.times[-count:], powers_w=self.powers_w[-count:])

    def within(self, start: datetime, end: datetime, asked_w: float) -> tuple[float, float, float]:
        """Return the least, mean and greatest that the device was told in a span [W].

        Before the first move it was told `asked_w`.
        """
        first, last = bisect_right(self.times, start), bisect_right(self.times, end)
        begun_w = self.powers_w[first - 1] if first else asked_w
        edges = [start, *self.times[first:last], end]
        powers_w = [begun_w, *self.powers_w[first:last]]
        seconds = [(later - edge).total_seconds() for edge, later in pairwise(edges)]
        total = sum(seconds)
        mean_w = (
            sum(x * y for x, y in zip(powers_w, seconds, strict=True)) / total
            if total
            else powers_w[-1]
        )
        return min(powers_w), mean_w, max(powers_w)


def joined(parts: Sequence[tuple[int, Moves]]) -> Moves | None:
    """Return the moves that came in parts, each with how many there were before it.

    None when there are none, or some are missing.
    """
    times, powers_w = list[datetime](), list[float]()
    for before, part in sorted(parts, key=lambda each: each[0]):
        if before != len(times) or (times and part.times[0] < times[-1]):
            return None
        times += part.times
        powers_w += part.powers_w
    return Moves(times=tuple(times), powers_w=tuple(powers_w)) if times else None
