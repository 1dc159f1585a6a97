"""Zones and tanks as a plan sees them: how they answer, and how they stand."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_kernel.sites import CopPoint, ZoneThermalModel
from wattmesh_kernel.time import TimeRange

LOOKED_AT = timedelta(days=6)
"""How far zones are looked at, beyond a plan's end: a building's mass gives back for days what was
put into it. What an office takes more to be cool by noon its afternoon spares a third of, and five
days half. Forecast says a week ahead at most.
"""


def with_after(target: TimeRange) -> TimeRange:
    """Return the time of a plan and what zones are looked at beyond it."""
    return TimeRange(target.start, max(target.end, target.start + LOOKED_AT))


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneOutlook:
    """How a zone answers, as forecast says it; series have a value per interval of the plan, and
    for as far beyond it as it is said.

    `model` None: it is not identified, and `reason` says why. Empty: not known.
    """

    reason: str
    model: ZoneThermalModel | None = None
    heating_cop: tuple[CopPoint, ...] = ()
    cooling_cop: tuple[CopPoint, ...] = ()
    mass_celsius: float | None = None
    outdoor_celsius: tuple[float, ...] = ()
    gains_w: tuple[float, ...] = ()
    powers_w: tuple[float, ...] = ()
    occupancy_ratios: tuple[float, ...] = ()
    along_ratios: tuple[float, ...] = ()
    """What others at the site draw along with a watt of its plant, as fans do."""

    def first(self, count: int) -> "ZoneOutlook":
        """Return what is said of the first `count` intervals."""
        return self._part(slice(count))

    def beyond(self, count: int) -> "ZoneOutlook":
        """Return what is said of the intervals after the first `count`."""
        return self._part(slice(count, None))

    def _part(self, which: slice) -> "ZoneOutlook":
        return replace(
            self,
            outdoor_celsius=self.outdoor_celsius[which],
            gains_w=self.gains_w[which],
            powers_w=self.powers_w[which],
            occupancy_ratios=self.occupancy_ratios[which],
            along_ratios=self.along_ratios[which],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TankOutlook:
    """What is drawn from a tank, as forecast says it. Empty: not known."""

    reason: str = ""
    draws_w: tuple[float, ...] = ()
    outdoor_celsius: tuple[float, ...] = ()
    powers_w: tuple[float, ...] = ()

    def first(self, count: int) -> "TankOutlook":
        """Return what is said of the first `count` intervals."""
        return replace(
            self,
            draws_w=self.draws_w[:count],
            outdoor_celsius=self.outdoor_celsius[:count],
            powers_w=self.powers_w[:count],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneAfter:
    """The time after a plan as a zone sees it: series by the interval of the plan."""

    start: datetime
    resolution: timedelta
    outdoor_celsius: tuple[float, ...]
    gains_w: tuple[float, ...]
    low_celsius: tuple[float, ...]
    high_celsius: tuple[float, ...]
    along_ratios: tuple[float, ...] = ()
    """What others at the site draw along with a watt of its plant. Empty: nothing is known."""

    @property
    def range(self) -> TimeRange:
        """From the plan's end on."""
        return TimeRange.of(self.start, len(self.low_celsius) * self.resolution)


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneStanding:
    """A zone when the plan begins [°C], with the band of every interval.

    `outlook.model` None: a rule runs it, the band itself, since nobody knows how it answers.
    """

    air_celsius: float
    low_celsius: tuple[float, ...]
    high_celsius: tuple[float, ...]
    outlook: ZoneOutlook
    tries: tuple[bool, ...] = ()
    """In which intervals a rule tries how the zone answers, within its band. Empty: in none."""
    after: ZoneAfter | None = None
    """What comes after the plan. None: a rule runs the zone, or it is not known."""

    @property
    def by_rule(self) -> bool:
        """Whether its setpoints are those of a rule and not of the plan."""
        return self.outlook.model is None


@dataclass(frozen=True, kw_only=True, slots=True)
class TankStanding:
    """A tank when the plan begins [°C]; without known draws a rule runs it."""

    celsius: float
    outlook: TankOutlook
    intervals: int

    @property
    def by_rule(self) -> bool:
        """Whether its setpoints are those of a rule and not of the plan."""
        return not self.outlook.draws_w
