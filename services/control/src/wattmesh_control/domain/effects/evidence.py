"""What is asked of the meters about one command, and what they saw."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmesh_control.domain.effects.asked import Asked, Reactive, Warmth
from wattmesh_control.domain.effects.steps import Edge
from wattmesh_control.domain.effects.verdict import Standing
from wattmesh_control.domain.effects.windows import Held
from wattmesh_control.domain.moves import Moves
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Rating


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What meters saw around one command: powers into the asset or site, positive [W].

    `own` and `other` measure the asset, `plant` what it draws where these are temperatures [°C],
    `grid` the site's connection less what is known of devices that are not steered. `claims`: own
    meters of the site's steered devices at the grid's intervals. `told_w`: the steps that it and
    what followed it were told to make; None: not known. `moves`: what the gateway's loop told the
    device in place of what the command asks. `standing`: what an independent meter last made of
    the device's own.
    """

    own: Series | None = None
    other: Series | None = None
    plant: Series | None = None
    grid: Series | None = None
    begin: Edge
    finish: Edge | None = None
    edges: tuple[Edge, ...] = ()
    claims: Mapping[DeviceId, Series | float] = field(default_factory=dict)
    told_w: tuple[float | None, float | None] = (None, None)
    soc_ratio: float | None = None
    moves: Moves | None = None
    standing: Standing = Standing.UNTRIED


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of the meters about one command."""

    held: Held
    asked: Asked | Warmth | Reactive
    tolerance_w: float
    """[W], or [var] of reactive power."""
    rating: Rating | None = None
