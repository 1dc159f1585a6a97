"""Runs that may be moved within a window."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wattmesh_optimizer.domain import checks
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import LONG_OFF, OnOffState


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ProfileRun:
    """Once started it runs through: `powers_kw` per interval since its start [kW].

    `elapsed_count` intervals of it lie before the horizon's start.
    """

    powers_kw: Floats
    elapsed_count: int = 0

    def __post_init__(self) -> None:
        if len(self.powers_kw) == 0:
            raise checks.refuse("profile_run.powers_w", "needs at least one value")
        powers = checks.series("profile_run.powers_w", self.powers_kw, len(self.powers_kw), low=0)
        object.__setattr__(self, "powers_kw", powers)
        checks.within("profile_run.elapsed_count", self.elapsed_count, 0, len(powers))


@dataclass(frozen=True, kw_only=True, slots=True)
class InterruptibleRun:
    """Runs until `energy_kwh` is done, with pauses if that is cheaper."""

    energy_kwh: float
    max_power_kw: float
    min_power_kw: float = 0.0
    min_on_duration: timedelta = timedelta(0)
    min_off_duration: timedelta = timedelta(0)
    initial_state: OnOffState = field(default=LONG_OFF)

    def __post_init__(self) -> None:
        checks.at_least("interruptible_run.energy_wh", self.energy_kwh, 0)
        checks.positive("interruptible_run.max_power_w", self.max_power_kw)
        checks.within("interruptible_run.min_power_w", self.min_power_kw, 0, self.max_power_kw)

    @property
    def has_minimum_times(self) -> bool:
        """True when being on or off has a minimum duration."""
        return self.min_on_duration > timedelta(0) or self.min_off_duration > timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeferrableLoad:
    """A run and its window; None: the horizon's edge."""

    run: ProfileRun | InterruptibleRun
    earliest_start: datetime | None = None
    latest_end: datetime | None = None
    shortfall_price_per_kwh: float = 5.0

    def __post_init__(self) -> None:
        checks.positive("shortfall_price_per_kwh", self.shortfall_price_per_kwh)
        if (
            self.earliest_start is not None
            and self.latest_end is not None
            and self.latest_end <= self.earliest_start
        ):
            raise checks.refuse("latest_end_time", "is not after earliest_start_time")
