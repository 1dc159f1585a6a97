"""What a loop wants of its members, and whether it knows what it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from wattmesh_gateway.domain.loop.island import IslandStand
from wattmesh_gateway.domain.loop.meters import Shown
from wattmesh_gateway.domain.loop.standing import Slot


class Condition(Enum):
    """Whether a loop knows what it does."""

    WAITING = "waiting"
    """It has begun, and no meter has been heard yet: devices stay as they are."""
    STEERING = "steering"
    STALE = "stale"
    """No meter is to be trusted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the loop wants of a member [W], and why it is not what was asked: empty if it is."""

    power_w: float
    why: str = ""
    safe: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a loop wants of its members; one that is not named is left alone."""

    condition: Condition
    wishes: Mapping[Slot, Wish] = field(default_factory=dict)
    shown: Shown | None = None
    limiting: frozenset[str] = frozenset()
    island: IslandStand | None = None
    """How the site stands to the grid; None: it cannot do without."""
