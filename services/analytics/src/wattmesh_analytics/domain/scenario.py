"""Past time over again with something changed: tariff, battery, generation or policy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats, peak_kw
from wattmesh_analytics.domain.savings import LeftOut
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_analytics.domain.tank_replay import TankWindow
from wattmesh_analytics.domain.visits import Visit
from wattmesh_analytics.domain.work import Work
from wattmesh_analytics.domain.zone_replay import ZoneWindow
from wattmesh_kernel.checks import require, require_at_least, require_between, require_positive
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import AssetId, SiteId, TariffId
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import BillingState, Tariff
from wattmesh_kernel.time import TimeRange, local_days

FORESIGHT = timedelta(days=2)
"""How much a foresight solve knows: the day that is kept, and the next."""
MOST_SHIFT = 20.0
"""By so much an edge of a band may be moved [K]."""
_NARROWEST_KELVIN = 0.1
_CHOSEN = "chosen-battery"


class Policy(Enum):
    """By what batteries act."""

    FORESIGHT = "foresight"
    SELF_CONSUMPTION = "self_consumption"
    IDLE = "idle"


class Charging(Enum):
    """When vehicles charge."""

    METERED = "metered"
    AT_ONCE = "at_once"
    FORESIGHT = "foresight"


class Climate(Enum):
    """How zones are heated and cooled."""

    METERED = "metered"
    THERMOSTAT = "thermostat"
    FORESIGHT = "foresight"


class Tanks(Enum):
    """How tanks are heated."""

    METERED = "metered"
    THERMOSTAT = "thermostat"
    FORESIGHT = "foresight"


class Runs(Enum):
    """When work that can wait is done."""

    METERED = "metered"
    AT_ONCE = "at_once"
    FORESIGHT = "foresight"


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeShift:
    """By how much the edges of zones' bands are moved [K]."""

    lower_kelvin: float = 0.0
    upper_kelvin: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no building is kept at."""
        require_between(self.lower_kelvin, -MOST_SHIFT, MOST_SHIFT, "lower_edge_shift_kelvin")
        require_between(self.upper_kelvin, -MOST_SHIFT, MOST_SHIFT, "upper_edge_shift_kelvin")

    def of(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Return the edges moved [°C], shape (n,); they keep a tenth of a kelvin between them."""
        lower = low + self.lower_kelvin
        return lower, np.maximum(high + self.upper_kelvin, lower + _NARROWEST_KELVIN)


UNMOVED = EdgeShift()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What is asked; `battery` takes the place of all, `generation_ratio` None: as it was.

    `charger_power_w` is in place of what charge points and vehicles can do.
    """

    site: SiteId
    range: TimeRange
    resolution: timedelta
    policy: Policy
    tariff: TariffId | None = None
    battery: BatteryRating | None = None
    without_batteries: bool = False
    generation_ratio: float | None = None
    charging: Charging = Charging.METERED
    charger_power_w: float | None = None
    vehicle_to_grid: bool = False
    climate: Climate = Climate.METERED
    edge_shift: EdgeShift = UNMOVED
    tanks: Tanks = Tanks.METERED
    runs: Runs = Runs.METERED

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        both = self.battery is not None and self.without_batteries
        require(not both, "INVALID_SCENARIO", "a battery, or none", "without_batteries")
        require_at_least(self.generation_ratio, 0.0, "generation_ratio")
        short = self.range.duration < timedelta(days=1)
        require(not short, "INVALID_SCENARIO", "a day is the shortest", "range")
        if self.charger_power_w is not None:
            require_positive(self.charger_power_w, "charger_power_w")
            moved = self.charging is not Charging.METERED
            require(moved, "INVALID_SCENARIO", "say when vehicles charge", "charging")
        planned = self.charging is Charging.FORESIGHT or not self.vehicle_to_grid
        why = "vehicles give back by foresight alone"
        require(planned, "INVALID_SCENARIO", why, "vehicle_to_grid")
        still = self.climate is not Climate.METERED or self.edge_shift == UNMOVED
        require(still, "INVALID_SCENARIO", "say how zones are heated", "climate")


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
    lacking_kwh: float | None = None
    """Energy that vehicles left without [kWh]; None: they charge as metered."""
    discomfort: tuple[float, float] | None = None
    """Of zones, in the scenario and as metered [K h]; None: they are as metered."""
    tanks_below: tuple[float, float] | None = None
    """Of tanks below their lower edges, in the scenario and as metered [K h]; None: as above."""
    unfinished_kwh: float | None = None
    """Energy that runs did not get [kWh]; None: they are as metered."""
    left_out: tuple[LeftOut, ...] = ()

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
    its end, where that is the end of all. `most_import_w`: what the connection may draw [W], None:
    no limit is known. `visits`, `zones`, `tanks` and `work` are those that are planned, not in
    `rest_w`.
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
    most_import_w: float | None = None
    visits: Sequence[Visit] = ()
    zones: Mapping[AssetId, ZoneWindow] = field(default_factory=dict)
    tanks: Mapping[AssetId, TankWindow] = field(default_factory=dict)
    work: Sequence[Work] = ()

    @property
    def end(self) -> datetime:
        """When the horizon ends."""
        return self.start + len(self.rest_w) * self.resolution


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What batteries do in the intervals that are kept [W], and how full they are then.

    `visits_w`: what each vehicle takes less what it gives [W]; `zones_w`: what each zone takes for
    heat and for cold [W]; `tanks_w` and `work_w` what each tank and run takes [W].
    """

    powers_w: Mapping[AssetId, Floats]
    soc_ratios: Mapping[AssetId, float]
    visits_w: Mapping[str, Floats] = field(default_factory=dict)
    zones_w: Mapping[AssetId, tuple[Floats, Floats]] = field(default_factory=dict)
    tanks_w: Mapping[AssetId, Floats] = field(default_factory=dict)
    work_w: Mapping[str, Floats] = field(default_factory=dict)


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
