"""Work at a home that can wait: a machine that somebody loads, and by when it is to be done.

The power of a programme is by quarters of an hour: water is heated first, then it turns, then it
dries or spins. Of a dishwasher or a washing machine that is 1 to 1.5 kWh in two hours (label
programmes of Regulations (EU) 2019/2022 and 2019/2023).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from wattmesh_kernel.checks import require, require_between
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.domain.appliance import Programme

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineSpec:
    """A machine, its asset and device `id`: loaded at `loaded_hour`, to be done by `done_hour`.

    Hours are local; where it is to be done by an earlier hour, that is the next day's. `weekdays`:
    0 is Monday. Its programme goes on to its end once it has begun.
    """

    id: str
    zone: ZoneInfo
    powers_w: tuple[float, ...]
    loaded_hour: int
    done_hour: int
    weekdays: frozenset[int] = frozenset(range(7))
    display_name: str = ""

    def __post_init__(self) -> None:
        require(bool(self.powers_w), "MISSING_FIELD", "a programme takes time", "powers_w")
        require_between(self.loaded_hour, 0, 23, "loaded_hour")
        require_between(self.done_hour, 0, 23, "done_hour")

    @property
    def programme(self) -> Programme:
        """What it does once it is permitted."""
        return Programme(powers_w=tuple(each for each in self.powers_w for _ in range(15)))

    @property
    def most_w(self) -> float:
        """What it draws at most [W]."""
        return max(self.powers_w)

    @property
    def energy_wh(self) -> float:
        """What one run takes [Wh]."""
        return sum(self.powers_w) * (QUARTER / timedelta(hours=1))

    def windows(self, after: datetime) -> Iterator[TimeRange]:
        """Yield when each run may be, from the first that is loaded after a moment on."""
        day = after.astimezone(self.zone).date() - timedelta(days=1)
        while True:
            window = self._window(day)
            if day.weekday() in self.weekdays and window.start > after:
                yield window
            day += timedelta(days=1)

    def _window(self, day: date) -> TimeRange:
        later = timedelta(days=int(self.done_hour <= self.loaded_hour))
        start = datetime.combine(day, time(self.loaded_hour), self.zone)
        end = datetime.combine(day + later, time(self.done_hour), self.zone)
        return TimeRange(start.astimezone(UTC), end.astimezone(UTC))


class RunBoard(Protocol):
    """Where people say what is to be done by when. Repeating is harmless."""

    async def want_run(self, asset: AssetId, machine: MachineSpec, window: TimeRange) -> None:
        """Say that a run is wanted within a window."""
