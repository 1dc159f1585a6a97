"""Instants of control's clock, said in this gateway's own: clocks differ, and may be set."""

from collections import deque
from datetime import datetime, timedelta

_MOST_SEEN = 4
"""Comparisons that count; when a clock was set, the older ones are gone after so many."""


class ControlTime:
    """How far the own clock is from control's, by when control says that it sent something.

    What came was on its way for a while, so that the difference looks larger than it is: the
    smallest of the last ones is the nearest. Control asks for the next only when the last was
    answered, so that at most one of them may have lain about, as when this process was stopped.
    The own clock is one that nobody sets.
    """

    def __init__(self) -> None:
        self._seen: deque[timedelta] = deque(maxlen=_MOST_SEEN)

    def compare(self, sent: datetime, now: datetime) -> None:
        """Take note that something which control sent at `sent` came at `now`."""
        self._seen.append(now - sent)

    def own(self, instant: datetime, sent: datetime, now: datetime) -> datetime:
        """Return an instant of control's clock that was said at `sent` and came at `now`.

        With 300 s between the clocks and a tenth on the way, a lease of 100 s ends in 99.9 s.
        """
        return instant + min((*self._seen, now - sent))
