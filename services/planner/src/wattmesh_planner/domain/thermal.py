"""Zones and tanks as a plan sees them: how they answer, and how they stand."""

from dataclasses import dataclass

from wattmesh_kernel.sites import CopPoint, ZoneThermalModel


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneOutlook:
    """How a zone answers, as forecast says it; series have a value per interval of the plan.

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


@dataclass(frozen=True, kw_only=True, slots=True)
class TankOutlook:
    """What is drawn from a tank, as forecast says it. Empty: not known."""

    reason: str = ""
    draws_w: tuple[float, ...] = ()
    outdoor_celsius: tuple[float, ...] = ()
    powers_w: tuple[float, ...] = ()


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
