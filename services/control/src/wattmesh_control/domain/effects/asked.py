"""What power, reactive power or warmth a command asks of its asset, by the kind of its setpoint."""

from dataclasses import dataclass
from typing import TypeAlias

from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    HvacZoneRating,
    Rating,
    TankRating,
)

_PHASES = 3
_RUNNING_RATIO = 0.05
"""What draws more than this share of its rating runs."""


@dataclass(frozen=True, slots=True)
class Level:
    """Power is to be there [W]."""

    power_w: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Power into the asset is to stay at or below [W]."""

    power_w: float


@dataclass(frozen=True, slots=True)
class Floor:
    """Power into the asset is to stay at or above [W]: a limit of generation, with its sign."""

    power_w: float


@dataclass(frozen=True, slots=True)
class Running:
    """It is on: power goes beyond this, with its sign [W], when there is something to do."""

    power_w: float


@dataclass(frozen=True, slots=True)
class Warmth:
    """A temperature is to be there [°C], by a plant that can warm, cool, or both.

    `plant_w`: the most that draws [W].
    """

    celsius: float
    warms: bool
    cools: bool
    plant_w: float


@dataclass(frozen=True, slots=True)
class Reactive:
    """Reactive power is to be there [var], inductive positive."""

    power_var: float


Asked: TypeAlias = Level | Ceiling | Floor | Running


def asked_of(
    kind: SetpointKind, value: float, rating: Rating | None, phases: int = _PHASES
) -> Asked | Warmth | Reactive | None:
    """Return what is asked for; None when no meter could show it, or the rating does not say.

    A charging current bounds the power of its phases, a charging power itself: a vehicle that is
    nearly full, or not there, draws less, and nobody can make it draw more.
    """
    match kind:
        case SetpointKind.ACTIVE_POWER_W if isinstance(rating, EvChargerRating) and value > 0:
            return Ceiling(value)
        case SetpointKind.ACTIVE_POWER_W:
            return Level(value)
        case SetpointKind.GENERATION_LIMIT_W:
            return Floor(-value)
        case SetpointKind.CONSUMPTION_LIMIT_W:
            return Ceiling(value)
        case SetpointKind.CURRENT_A if value == 0:
            return Level(0.0)
        case SetpointKind.CURRENT_A if isinstance(rating, EvChargerRating):
            return Ceiling(value * rating.voltage_v * phases)
        case SetpointKind.ON_OFF if value == 0:
            return Level(0.0)
        case SetpointKind.ON_OFF:
            return _running(rating)
        case SetpointKind.REACTIVE_POWER_VAR:
            return Reactive(value)
        case SetpointKind.TEMPERATURE_CELSIUS:
            return _warmth(value, rating)
        case _:
            return None


def _running(rating: Rating | None) -> Running | None:
    match rating:
        case TankRating() | HvacZoneRating():
            plant_w = _plant_w(rating)
            return Running(_RUNNING_RATIO * plant_w) if plant_w else None
        case DeferrableRating(max_power_w=most_w):
            return Running(_RUNNING_RATIO * most_w)
        case GeneratorRating(max_output_power_w=most_w):
            return Running(-_RUNNING_RATIO * most_w)
        case _:
            return None


def _warmth(celsius: float, rating: Rating | None) -> Warmth | None:
    match rating:
        case TankRating():
            return Warmth(celsius, warms=True, cools=False, plant_w=_plant_w(rating))
        case HvacZoneRating(heating=heating, cooling=cooling):
            return Warmth(
                celsius,
                warms=heating is not None,
                cools=cooling is not None,
                plant_w=_plant_w(rating),
            )
        case _:
            return None


def _plant_w(rating: TankRating | HvacZoneRating) -> float:
    """Return the most that the larger plant draws [W]; 0 without one."""
    plants = (
        (rating.heater,) if isinstance(rating, TankRating) else (rating.heating, rating.cooling)
    )
    powers_w = (plant.max_power_w for plant in plants if plant is not None)
    return max(powers_w, default=0.0)
