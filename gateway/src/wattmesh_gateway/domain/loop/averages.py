"""How much power may be imported now, for the mean of an interval to keep its limit."""

from datetime import datetime, timedelta

from wattmesh_kernel.time import floor_time

_HOUR = timedelta(hours=1)


class RunningMean:
    """The energy imported in the interval of the UTC raster that runs.

    What was not seen of it counts as imported at the limit: nothing can be made up for it. A power
    counts from when it was measured until the next.
    """

    def __init__(self, limit_w: float, interval: timedelta, shortest: timedelta) -> None:
        self._limit_w = limit_w
        self._interval = interval
        self._shortest = shortest
        self._begin: datetime | None = None
        self._until: datetime | None = None
        self._power_w = 0.0
        self._imported_wh = 0.0

    def take_over(self, before: "RunningMean") -> None:
        """Go on with what another counted of the same interval, though its limit was another."""
        if before._interval == self._interval:
            self._begin, self._until = before._begin, before._until
            self._power_w, self._imported_wh = before._power_w, before._imported_wh

    def hear(self, power_w: float, time: datetime) -> None:
        """Take in what the meter showed at a time; times rise."""
        if self._begin is None or time >= self._begin + 2 * self._interval:
            self._start(floor_time(time, self._interval), time)
        elif time >= self._begin + self._interval:
            self._start(self._begin + self._interval, self._begin + self._interval)
        self._count(time)
        self._power_w = max(power_w, 0.0)

    def allowed_w(self, now: datetime) -> float:
        """Return what may be imported from now on to the end of the interval [W].

        Of an hour of at most 4 kW, half of which 2 kW were imported: 6 kW for the other half. The
        rest of an interval counts as `shortest` at least.
        """
        if self._begin is None or now >= self._begin + self._interval:
            return self._limit_w
        left = max(self._begin + self._interval - now, self._shortest)
        running_wh = self._power_w * ((now - (self._until or now)) / _HOUR)
        budget_wh = self._limit_w * (self._interval / _HOUR)
        return max((budget_wh - self._imported_wh - running_wh) / (left / _HOUR), 0.0)

    def _start(self, begin: datetime, seen_from: datetime) -> None:
        self._begin, self._until = begin, seen_from
        self._imported_wh = self._limit_w * ((seen_from - begin) / _HOUR)

    def _count(self, time: datetime) -> None:
        assert self._until is not None, "started before"
        if time > self._until:
            self._imported_wh += self._power_w * ((time - self._until) / _HOUR)
            self._until = time
