"""Orders to a device that end by themselves: without a fresh one it returns to its safe state."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from wattmesh_kernel.errors import InvalidArgument


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """A value that holds over `[start_time, expire_time)`: a setpoint [W] or a limit [ratio].

    Error: InvalidArgument when it does not last.
    """

    value: float
    start_time: datetime
    expire_time: datetime

    def __post_init__(self) -> None:
        if self.expire_time <= self.start_time:
            raise InvalidArgument("INVALID_LEASE", "a lease must last", field="expire_time")

    @classmethod
    def of(cls, value: float, start: datetime, duration: timedelta) -> Self:
        """Return a lease that begins at `start`."""
        return cls(value=value, start_time=start, expire_time=start + duration)

    @property
    def duration(self) -> timedelta:
        """How long it was given for."""
        return self.expire_time - self.start_time

    def remaining(self, now: datetime) -> timedelta:
        """Return how long it still holds; zero when it has ended."""
        return max(self.expire_time - now, timedelta(0))
