"""Between which powers a member may be: what it was told of late takes time to happen."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise


@dataclass(slots=True)
class _Step:
    power_w: float
    begun: datetime
    done: datetime | None


class Positions:
    """What one member was told [W], and until when it may still have been somewhere else.

    What was told before is possible until `settling` after the next was written; while a write is
    under way, both are.
    """

    def __init__(self, settling: timedelta, power_w: float, since: datetime) -> None:
        self.settling = settling
        self._steps = deque([_Step(power_w, since, since)])

    @property
    def now_w(self) -> float:
        """What it was told last [W]."""
        return self._steps[-1].power_w

    @property
    def before_w(self) -> float:
        """What it was told before that [W]."""
        return self._steps[-2 if len(self._steps) > 1 else -1].power_w

    def begin(self, power_w: float, now: datetime) -> None:
        """Take note that it is being told."""
        self._steps.append(_Step(power_w, now, None))

    def end(self, now: datetime) -> None:
        """Take note that what was begun last is written, as far as that is known."""
        self._steps[-1].done = now

    def between(self, since: datetime, until: datetime) -> tuple[float, float]:
        """Return least and most power that it may have had in [since, until] [W]."""
        begun = [step for step in self._steps if step.begun <= until] or [self._steps[0]]
        possible = [begun[-1].power_w]
        for step, following in pairwise(begun):
            if following.done is None or following.done + self.settling >= since:
                possible.append(step.power_w)
        return min(possible), max(possible)

    def forget_before(self, time: datetime) -> None:
        """Drop what it had left for certain by `time`."""
        while len(self._steps) > 1:
            left = self._steps[1].done
            if left is None or left + self.settling >= time:
                return
            self._steps.popleft()
