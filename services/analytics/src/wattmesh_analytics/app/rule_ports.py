"""What counterfactuals of vehicles and zones, and payments, need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wattmesh_analytics.domain.charge_at_once import Stay
from wattmesh_analytics.domain.work import PastRun
from wattmesh_kernel.comfort import ZoneWishes
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.money import Money
from wattmesh_kernel.sites import Asset, CopPoint, SiteGroup, ZoneThermalModel
from wattmesh_kernel.time import TimeRange


class Stays(Protocol):
    """Who was at charge points. Errors: Unavailable while usage is away."""

    async def stays(
        self, chargers: Sequence[Asset], span: TimeRange
    ) -> Mapping[AssetId, Sequence[Stay]]:
        """Return the stays of one site's charge points that touch a span."""


class PastRuns(Protocol):
    """Which work was done when. Errors: Unavailable while usage is away."""

    async def runs(
        self, machines: Sequence[Asset], span: TimeRange
    ) -> Mapping[AssetId, Sequence[PastRun]]:
        """Return the runs of one site's machines that ran and touch a span."""


class Wishes(Protocol):
    """What people wanted of zones. Errors: Unavailable while usage is away."""

    async def wishes(self, site: SiteId, span: TimeRange) -> Mapping[AssetId, ZoneWishes]:
        """Return what was wanted of each zone of which anything was said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneAnswer:
    """How a zone answers to heat, as it was identified from operation."""

    model: ZoneThermalModel
    heating_cop: tuple[CopPoint, ...]
    cooling_cop: tuple[CopPoint, ...]


class ZoneModels(Protocol):
    """How zones answer. Errors: Unavailable while forecast is away."""

    async def answers(self, zones: Sequence[AssetId]) -> Mapping[AssetId, ZoneAnswer | str]:
        """Return how each zone answers, or why that is not known, for people."""


class Payments(Protocol):
    """What demand response paid. Errors: Unavailable while it is away."""

    async def paid(
        self, site: SiteId, span: TimeRange, group: SiteGroup | None = None
    ) -> Sequence[Money]:
        """Return what each settled event that ended in a span paid a site; negative: it owed.

        With the group that it is in, its share of what that was paid, too.
        """
