"""What planning has to know of a kind of asset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from wattmesh_kernel.comfort import ZoneWishes
from wattmesh_planner.domain.charging import ChargingSession
from wattmesh_planner.domain.facts import Fact, Known
from wattmesh_planner.domain.model import SiteAsset
from wattmesh_planner.domain.plan import Setpoint
from wattmesh_planner.domain.runs import Run
from wattmesh_planner.domain.thermal import TankOutlook, ZoneOutlook

Outlook: TypeAlias = ZoneOutlook | TankOutlook
Wishes: TypeAlias = ZoneWishes | tuple[Run, ...]
"""Of a zone, or the runs of a deferrable load."""
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What a kind needs.

    `quantities` of its main meter, for its state; a `forecast` of its power; a known `price`, since
    without one there is nothing to gain by steering it; a `controller`, since it is there only to
    be steered; the `session` of the vehicle that is there. An asset that lacks one of them is left
    out, with the reason. `watched`: quantities on which its forecast or its work rests, as far as
    its main meter has them; when nothing is heard of them it takes part all the same, and that is
    said. With `outlook` it is told how a zone or tank answers, with `wishes` what
    people want of a zone, with `run` which work is wanted.
    """

    quantities: frozenset[str] = frozenset()
    watched: frozenset[str] = frozenset()
    forecast: bool = False
    price: bool = False
    controller: bool = False
    session: bool = False
    outlook: bool = False
    wishes: bool = False
    run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The newest reading of a point."""

    measure_time: datetime
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AgeLimits:
    """How old a state may be: believed as it is until `fresh`, carried on until `usable`.

    A device that reports seldom is believed for two of its reporting intervals.
    """

    fresh: timedelta = timedelta(hours=1)
    usable: timedelta = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """What is known of an asset now, to say how it stands when the plan begins at `start`.

    `told` is what its device was told to do, in order of time: the setpoints that control took.
    `session` is the vehicle at a charge point; Known(None): none, or no charge point. `outlook` and
    `wishes` are what its kind needs of them, else Known(None). `intervals` are the starts of the
    plan's, `later` those of the time after it; `zone` is that of its site.
    """

    now: datetime
    start: datetime
    limits: AgeLimits
    readings: Mapping[str, Reading]
    told: Sequence[Setpoint] = ()
    session: Fact[ChargingSession | None] = field(default_factory=lambda: Known(value=None))
    outlook: Fact[Outlook | None] = field(default_factory=lambda: Known(value=None))
    wishes: Fact[Wishes | None] = field(default_factory=lambda: Known(value=None))
    zone: ZoneInfo = _UTC
    intervals: Sequence[datetime] = ()
    later: Sequence[datetime] = ()


class Kind(Protocol):
    """One kind of asset; a class without state in a module of its own."""

    @property
    def needs(self) -> Needs:
        """What it needs."""

    def counts(self, asset: SiteAsset) -> bool:
        """Return whether the asset is a part of its site's balance at all."""

    def steers(self, asset: SiteAsset) -> bool:
        """Return whether a plan can steer the asset."""

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[Any]:
        """Return the asset's state when the plan begins; Known(None) when it has none."""


class Stateless:
    """A kind without a state of its own, that is in the balance and is not steered."""

    def counts(self, asset: SiteAsset) -> bool:
        """It is."""
        return True

    def steers(self, asset: SiteAsset) -> bool:
        """Nothing can."""
        return False

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[Any]:
        """It has no state."""
        return Known(value=None)
