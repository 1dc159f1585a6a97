"""A wind turbine and a generator, alive: their state is that of the clock's now when looked at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.sites import WindRating
from wattmesh_twin.domain.generator import GeneratorSpec, GeneratorState, advance, ordered
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.wind import WindSite, power_w

_STEP = timedelta(minutes=1)
"""How long wind is taken as one speed."""


class Wind(Protocol):
    """What blows."""

    def speed(self, moment: datetime) -> float:
        """Return the wind speed at the reference height [m/s]."""


class Generator(Protocol):
    """A generator set that can be looked at and told."""

    spec: GeneratorSpec

    def look(self) -> GeneratorState:
        """Return how it stands now."""

    def order(self, power_w: float, duration: timedelta) -> None:
        """Tell it a power out [W] for so long; 0: to stand still."""

    def release(self) -> None:
        """Let go of it: it stops as soon as it may."""


class GeneratorTwin:
    """A generator that is told powers, and followed by a clock."""

    def __init__(self, spec: GeneratorSpec, clock: Clock) -> None:
        self.spec = spec
        self._clock = clock
        self._state = GeneratorState(time=clock.now(), fuel_l=spec.fuel_l)

    def look(self) -> GeneratorState:
        """Return how it stands now."""
        self._state = advance(self.spec, self._state, self._clock.now())
        return self._state

    def order(self, power_w: float, duration: timedelta) -> None:
        """Tell it a power out [W] for so long; 0: to stand still."""
        now = self.look().time
        self._state = ordered(self.spec, self._state, Lease.of(power_w, now, duration))

    def release(self) -> None:
        """Let go of it: it stops as soon as it may."""
        self.look()
        self._state = ordered(self.spec, self._state, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class WindLook:
    """A wind turbine at a moment: what it gives out [W], what it could, and what it has given."""

    power_w: float
    available_w: float
    speed_m_per_s: float
    energy_wh: float
    limit: Lease | None


class Turbine(Protocol):
    """A wind turbine that can be looked at and curtailed."""

    rating: WindRating

    def look(self) -> WindLook:
        """Return how it stands now."""

    def limit(self, limit_ratio: float, duration: timedelta) -> None:
        """Limit it to a ratio of its rated power for so long."""

    def release(self) -> None:
        """End its limit."""


class WindTwin:
    """A wind turbine that can be curtailed."""

    def __init__(self, rating: WindRating, site: WindSite, wind: Wind, clock: Clock) -> None:
        self.rating = rating
        self._site = site
        self._wind = wind
        self._clock = clock
        self._time = clock.now()
        self._energy_wh = 0.0
        self._limit: Lease | None = None

    def look(self) -> WindLook:
        """Return how it stands now."""
        now = self._clock.now()
        while self._time < now:
            ends = [now, self._time + _STEP]
            if self._limit is not None:
                ends.append(self._limit.expire_time)
            end = min(each for each in ends if each > self._time)
            given_w = min(self._available_w(), self._most_w())
            self._energy_wh += given_w * ((end - self._time) / timedelta(hours=1))
            self._time = end
            if self._limit is not None and self._limit.expire_time <= self._time:
                self._limit = None
        available_w = self._available_w()
        return WindLook(
            power_w=min(available_w, self._most_w()),
            available_w=available_w,
            speed_m_per_s=self._wind.speed(self._time),
            energy_wh=self._energy_wh,
            limit=self._limit,
        )

    def limit(self, limit_ratio: float, duration: timedelta) -> None:
        """Limit it to a ratio of its rated power for so long."""
        self.look()
        self._limit = Lease.of(limit_ratio, self._time, duration)

    def release(self) -> None:
        """End its limit."""
        self.look()
        self._limit = None

    def _available_w(self) -> float:
        return power_w(self.rating, self._wind.speed(self._time), self._site)

    def _most_w(self) -> float:
        ratio = 1.0 if self._limit is None else self._limit.value
        return ratio * self.rating.max_output_power_w
