"""What a plan is computed from: everything known at its issue time, and nothing later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import BillingState
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.degradations import Degradation
from wattmesh_planner.domain.events import GridEvent
from wattmesh_planner.domain.model import Scope, ScopeSite, SiteAsset
from wattmesh_planner.domain.owners_limits import OwnersLimit
from wattmesh_planner.domain.prices import PricedTariff

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetForecast:
    """The expected power of an asset [W], into it positive, and what made the forecast."""

    power_w: Series
    source: str
    deviation_w: Series | None = None
    """Standard deviation of what comes from what is expected [W]; None: not said."""
    above_w: Series | None = None
    """The same of what is more than expected, into the asset: loads err further that way [W]."""
    members_w: Floats | None = None
    """What may come, (members, intervals) [W]; of all assets the one at a place together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetInputs:
    """An asset as a plan takes it: its state when the plan begins, and what is expected of it.

    `state` is what its kind's `begin` gave; None where the kind has none.
    """

    asset: SiteAsset
    state: Any = None
    forecast: AssetForecast | None = None

    @property
    def by_rule(self) -> bool:
        """Whether a rule says its setpoints, since nobody knows how it answers to a plan."""
        return bool(getattr(self.state, "by_rule", False))


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteInputs:
    """One site: the assets that take part, its prices, its bill so far, the grid's carbon.

    `power_before_w` is its grid power in the newest interval that was metered; None: not known.
    """

    site: ScopeSite
    assets: tuple[AssetInputs, ...]
    price: PricedTariff | None = None
    billing_state: BillingState | None = None
    average_gco2e_per_kwh: Series | None = None
    power_before_w: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanInputs:
    """One planning problem in the planner's words."""

    scope: Scope
    issue_time: datetime
    target: TimeRange
    resolution: timedelta
    sites: tuple[SiteInputs, ...]
    peak_so_far_w: float = 0.0
    events: tuple[GridEvent, ...] = ()
    limits: tuple[OwnersLimit, ...] = ()
    degradations: tuple[Degradation, ...] = ()

    @property
    def sources(self) -> dict[str, str]:
        """Where each forecast came from, by asset name."""
        return {
            each.asset.name: each.forecast.source
            for site in self.sites
            for each in site.assets
            if each.forecast is not None
        }
