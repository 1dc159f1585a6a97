"""What a device's register showed lately, for a site's meter that looks later."""

from bisect import bisect_right
from datetime import datetime, timedelta

from wattmesh_kernel.time import floor_time

STEP = timedelta(minutes=5)
"""Within, what is drawn counts as one power."""
_SECONDS_PER_HOUR = 3600.0


class RegisterPast:
    """Readings of a register [Wh] by their times, rising; between them it rises evenly."""

    def __init__(self) -> None:
        self._times: list[datetime] = []
        self._wh: list[float] = []

    def add(self, moment: datetime, wh: float) -> None:
        """Take a reading, of a later time than the last."""
        if not self._times or moment > self._times[-1]:
            self._times.append(moment)
            self._wh.append(wh)

    def forget(self, before: datetime) -> None:
        """Forget what was before a moment, but for the last reading there."""
        kept = max(bisect_right(self._times, before) - 1, 0)
        del self._times[:kept], self._wh[:kept]

    def wh(self, moment: datetime) -> float:
        """Return what it showed at a moment; before the first reading what it showed then."""
        index = bisect_right(self._times, moment)
        if index in (0, len(self._times)):
            return self._wh[max(index - 1, 0)] if self._wh else 0.0
        begin, end = self._times[index - 1], self._times[index]
        part: float = (moment - begin) / (end - begin)
        return self._wh[index - 1] + part * (self._wh[index] - self._wh[index - 1])

    def mean_power_w(self, start: datetime, end: datetime) -> float:
        """Return the mean power over a span [W]."""
        seconds = (end - start).total_seconds()
        return (self.wh(end) - self.wh(start)) * _SECONDS_PER_HOUR / seconds


def next_step(after: datetime) -> datetime:
    """Return until when what is drawn is seen as one power."""
    return floor_time(after, STEP) + STEP
