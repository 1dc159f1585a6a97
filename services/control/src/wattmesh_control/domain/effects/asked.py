"""What power a command asks of its asset, by the kind of its setpoint."""

from dataclasses import dataclass
from typing import TypeAlias

from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import EvChargerRating, Rating

_PHASES = 3


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


Asked: TypeAlias = Level | Ceiling | Floor


def asked_of(kind: SetpointKind, value: float, rating: Rating | None) -> Asked | None:
    """Return what power is asked for; None when no power follows from the setpoint.

    A charging current bounds the power of three phases, a charging power itself: a vehicle that is
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
            return Ceiling(value * rating.voltage_v * _PHASES)
        case SetpointKind.ON_OFF if value == 0:
            return Level(0.0)
        case _:
            return None
