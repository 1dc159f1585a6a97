"""Past time over again with something changed: tariff, battery, generation or policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats, peak_kw
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_kernel.checks import require, require_at_least
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import AssetId, SiteId, TariffId
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import BillingState, Tariff
from wattmesh_kernel.time import TimeRange, local_days

FORESIGHT = timedelta(days=2)
"""How much a foresight solve knows: the day that is kept, and the next."""
_CHOSEN = "chosen-battery"


class Policy(Enum):
    """By what batteries act."""

    FORESIGHT = "foresight"
    SELF_CONSUMPTION = "self_consumption"
    IDLE = "idle"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What is asked; `battery` takes the place of all, `generation_ratio` None: as it was."""

    site: SiteId
    range: TimeRange
    resolution: timedelta
    policy: Policy
    tariff: TariffId | None = None
    battery: BatteryRating | None = None
    without_batteries: bool = False
    generation_ratio: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        both = self.battery is not None and self.without_batteries
        require(not both, "INVALID_SCENARIO", "a battery, or none", "without_batteries")
        require_at_least(self.generation_ratio, 0.0, "generation_ratio")
        short = self.range.duration < timedelta(days=1)
        require(not short, "INVALID_SCENARIO", "a day is the shortest", "range")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioResult:
    """What a scenario came to, beside what was metered over the same intervals."""

    cost: Money
    metered: Money
    stored: Money | None
    emissions_gco2e: float | None
    metered_emissions_gco2e: float | None
    peak_kw: float
    metered_peak_kw: float
    import_kwh: float
    export_kwh: float
    covered_ratio: float
    full_cycles: float | None

    @property
    def saved(self) -> Money | None:
        """What it would have saved, with what is stored more; None: the currencies differ."""
        if self.cost.currency_code != self.metered.currency_code:
            return None
        saved = self.metered - self.cost
        return (saved if self.stored is None else saved + self.stored).rounded()


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What one solve is told, and what came before.

    `rest_w`: what the site takes without its batteries over the horizon [W], shape (n,).

    `keep`: how many intervals of it are kept. `final_soc_ratios`: how full batteries have to be at
    its end, where that is the end of all.
    """

    site: SiteId
    zone: ZoneInfo
    start: datetime
    resolution: timedelta
    rest_w: Floats
    batteries: Mapping[AssetId, BatteryRating]
    soc_ratios: Mapping[AssetId, float]
    tariff: Tariff
    state: BillingState | None
    keep: int
    final_soc_ratios: Mapping[AssetId, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What batteries do in the intervals that are kept [W], and how full they are then."""

    powers_w: Mapping[AssetId, Floats]
    soc_ratios: Mapping[AssetId, float]


def changed(scenario: Scenario, energy: SiteEnergy) -> SiteEnergy:
    """Return the site with its batteries idle, as the scenario has generation and batteries.

    Half of 2 kWh generated less is 1 kWh imported more. FailedPrecondition `NO_GENERATION` where
    there is none to scale.
    """
    net_wh = energy.grid.net_wh - energy.storage_net_wh
    if scenario.generation_ratio is not None:
        generated = energy.generation_wh
        if generated is None:
            raise FailedPrecondition("NO_GENERATION", f"{scenario.site} has no generation")
        net_wh = net_wh + (1 - scenario.generation_ratio) * generated
    batteries = dict(energy.ratings)
    socs = dict(energy.first_soc_ratios)
    if scenario.battery is not None:
        batteries, socs = {AssetId(scenario.site, _CHOSEN): scenario.battery}, {}
    elif scenario.without_batteries:
        batteries, socs = {}, {}
    return replace(
        energy,
        grid=Energy.of_net(energy.grid.import_wh.with_values(net_wh)),
        generation=(),
        batteries={},
        ratings=batteries,
        first_soc_ratios=socs,
    )


def by_rule(policy: Policy, idle: SiteEnergy) -> tuple[Energy, dict[AssetId, float], float]:
    """Return exchange, states of charge at the end, and energy given [Wh], of a plain policy."""
    if policy is Policy.IDLE:
        return idle.grid, first_socs(idle), 0.0
    runs = idle.rule_runs()
    given = sum(float(np.nansum(np.maximum(-run.net_wh, 0))) for run in runs.values())
    ends = {asset: run.last_soc_ratio for asset, run in runs.items()}
    return idle.exchange(Counterfactual.SELF_CONSUMPTION), ends, given


def first_socs(energy: SiteEnergy) -> dict[AssetId, float]:
    """Return how full batteries begin: as they were, or as empty as they may be."""
    return {
        asset: energy.first_soc_ratios.get(asset, rating.min_soc_ratio)
        for asset, rating in energy.ratings.items()
    }


def days_with_foresight(
    span: TimeRange, zone: ZoneInfo, resolution: timedelta
) -> Iterator[tuple[TimeRange, TimeRange]]:
    """Yield each day that is kept, and what is known when it is planned.

    Days that do not begin on the raster begin with the interval that does.
    """
    kept = [day for day in local_days(span, zone) if not day.empty]
    for day in kept:
        end = min(day.start + FORESIGHT, span.end)
        yield day, TimeRange(day.start, max(end, day.end))


def usable(values: Floats) -> Floats:
    """Return powers with 0 where nothing is known: such intervals count on neither side."""
    return np.nan_to_num(values, nan=0.0)


def peaks_kw(energy: Energy) -> float:
    """Return the highest mean power drawn [kW]."""
    return peak_kw(energy.net_wh, energy.hours)


def with_batteries(idle: SiteEnergy, net_wh: Floats) -> Energy:
    """Return the exchange when batteries take `net_wh` on top, shape (n,)."""
    return Energy.of_net(
        Series(idle.grid.range.start, idle.grid.import_wh.resolution, idle.grid.net_wh + net_wh)
    )
