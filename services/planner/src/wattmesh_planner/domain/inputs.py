"""What a plan is computed from: everything known at its issue time, and nothing later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import BillingState, Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.model import Battery, Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetForecast:
    """The expected power of an asset [W], into it positive, and what made the forecast."""

    power_w: Series
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteredEnergy:
    """Energy into and out of an asset per interval [Wh], not negative, NaN: not metered."""

    import_wh: Series
    export_wh: Series

    @property
    def net_wh(self) -> Series:
        """Energy into less energy out of the asset."""
        return self.import_wh.with_values(self.import_wh.values - self.export_wh.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteInputs:
    """What is known of one site: its tariff with published prices, bill so far, grid carbon."""

    tariff: Tariff | None
    billing_state: BillingState | None = None
    average_gco2e_per_kwh: Series | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanInputs:
    """One planning problem in the planner's words."""

    scope: Scope
    issue_time: datetime
    target: TimeRange
    resolution: timedelta
    forecasts: Mapping[AssetId, AssetForecast]
    soc_ratios: Mapping[AssetId, float]
    terminal_values_per_kwh: Mapping[AssetId, float]
    sites: Mapping[SiteId, SiteInputs]
    peak_so_far_w: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def sources(self) -> dict[str, str]:
        """Where each forecast came from, by asset name."""
        return {asset.name: forecast.source for asset, forecast in self.forecasts.items()}


def terminal_value_per_kwh(battery: Battery, import_prices_per_kwh: Series) -> float:
    """Return what a stored kWh is worth at the horizon's end [currency/kWh].

    It is what it will save at the cheapest price of the horizon after discharging: enough to keep
    surplus sun for the next day, too little to buy energy for the end of the horizon. At a lowest
    price of 0.22 and an efficiency of 0.95 it is 0.209.
    """
    prices = import_prices_per_kwh.values
    known = prices[np.isfinite(prices)]
    if not known.size:
        return 0.0
    return max(float(known.min()), 0.0) * battery.discharge_efficiency_ratio


def peak_power_w(net_energies_wh: list[Series]) -> float:
    """Return the highest mean power drawn together so far [W]; 0 where nothing is known.

    One series of net imported energy per site, all on one grid. Intervals in which any is missing
    do not count.
    """
    if not net_energies_wh:
        return 0.0
    total = np.sum([series.values for series in net_energies_wh], axis=0)
    known = total[np.isfinite(total)]
    hours = net_energies_wh[0].resolution.total_seconds() / 3600
    return max(float(known.max()), 0.0) / hours if known.size else 0.0
