"""What tells how well operation went."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from wattmesh_analytics.domain.operation_indicators import CommandOutcome, Outage, PlanCounts
from wattmesh_analytics.domain.operation_sums import Forecast, SkillSums
from wattmesh_kernel.ids import AssetId, GroupId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

Scope = SiteId | GroupId


class Controlled(Protocol):
    """What control did. Errors: Unavailable while it is away."""

    async def commands(self, site: SiteId, span: TimeRange) -> Sequence[CommandOutcome]:
        """Return the commands to a site's devices that begin in a span and were taken."""

    async def outages(self, site: SiteId, span: TimeRange) -> Sequence[Outage]:
        """Return when a site's devices could not be reached."""


class Planned(Protocol):
    """What was planned. Errors: Unavailable while the planner is away."""

    async def exchange(
        self, scope: Scope, sites: Sequence[SiteId], span: TimeRange, resolution: timedelta
    ) -> Sequence[Series]:
        """Return each site's planned exchange [Wh per interval], import positive, NaN: none."""

    async def counts(self, scope: Scope, span: TimeRange) -> PlanCounts:
        """Return how many intervals had a plan."""


class Forecasts(Protocol):
    """How good forecasts were. Errors: Unavailable while forecast is away."""

    async def skill(self, asset: AssetId, kind: Forecast, issued: TimeRange) -> SkillSums:
        """Return how far those of an asset that were issued in a range were off."""
