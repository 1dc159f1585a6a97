"""Everything one solve needs to know."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

import numpy as np

from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain import checks
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, RenewableSource
from wattmesh_optimizer.domain.ensemble import Ensemble
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.site import (
    NO_LIMITS,
    Asset,
    Node,
    PowerLimits,
    Site,
    check_tree,
    ids_below,
)
from wattmesh_optimizer.domain.thermal import HvacZone, ThermalTank


class CarbonBasis(Enum):
    """Which intensity a carbon price applies to."""

    AVERAGE = "average"
    MARGINAL = "marginal"


class ReserveDirection(Enum):
    """UP: less import or more export. DOWN: more import or less export."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True, slots=True)
class Goals:
    """Priced goals beyond the tariffs' cost, which always counts with weight 1."""

    peak_price_per_kw: float = 0.0
    carbon_price_per_kg: float = 0.0
    carbon_basis: CarbonBasis = CarbonBasis.AVERAGE
    export_price_per_kwh: float = 0.0
    comfort_weight: float = 1.0
    wear_weight: float = 1.0
    ramp_price_per_kw: float = 0.0

    def __post_init__(self) -> None:
        checks.at_least("goals.peak_price_per_kw", self.peak_price_per_kw, 0)
        checks.at_least("goals.carbon_price_per_kg", self.carbon_price_per_kg, 0)
        checks.at_least("goals.export_price_per_kwh", self.export_price_per_kwh, 0)
        checks.positive("goals.comfort_weight", self.comfort_weight)
        checks.at_least("goals.wear_weight", self.wear_weight, 0)
        checks.at_least("goals.ramp_price_per_kw", self.ramp_price_per_kw, 0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SiteGroup:
    """Several sites seen as one: limits and prices on their sum.

    `ramp_price_per_kw` None: what flattening is worth is taken from the tariffs. `netted_billing`:
    energy is billed on the sum, by the one tariff that all sites have. `nodes` lie between the
    group and its sites; `site_node_ids` says on which a site hangs, else on the group itself.
    """

    name: str
    site_names: tuple[str, ...]
    limits: PowerLimits = NO_LIMITS
    peak_price_per_kw: float = 0.0
    peak_so_far_kw: float = 0.0
    ramp_price_per_kw: float | None = None
    netted_billing: bool = False
    nodes: tuple[Node, ...] = ()
    site_node_ids: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.site_names:
            raise checks.refuse("groups.site_names", f"{self.name}: needs at least one site")
        checks.at_least("groups.peak_price_per_kw", self.peak_price_per_kw, 0)
        checks.at_least("groups.peak_so_far_w", self.peak_so_far_kw, 0)
        if self.ramp_price_per_kw is not None:
            checks.at_least("groups.ramp_price_per_kw", self.ramp_price_per_kw, 0)
        checks.unique(f"{self.name}: nodes.id", (node.id for node in self.nodes))
        check_tree(self.nodes)
        ids = {node.id for node in self.nodes}
        for site, node_id in self.site_node_ids.items():
            if site not in self.site_names or node_id not in ids:
                words = f"{self.name}: {site} cannot hang on {node_id!r}"
                raise checks.refuse("groups.site_node_ids", words)

    def hung_on(self, node_id: str) -> tuple[str, ...]:
        """Return the names of the sites that hang on a node itself; "" is the group."""
        return tuple(
            name for name in self.site_names if self.site_node_ids.get(name, "") == node_id
        )

    def below(self, node_id: str) -> tuple[str, ...]:
        """Return the names of the sites that hang on a node, or anywhere below it."""
        ids = ids_below(self.nodes, node_id)
        return tuple(name for name in self.site_names if self.site_node_ids.get(name, "") in ids)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPrice:
    """Price on top of the tariffs during an event [currency/kWh]."""

    import_adder_per_kwh: float = 0.0
    export_adder_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        checks.finite("events.price.import_adder_per_kwh", self.import_adder_per_kwh)
        checks.finite("events.price.export_adder_per_kwh", self.export_adder_per_kwh)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PaidReduction:
    """Payment for using less than a declared baseline [kW] of the summed grid power.

    Paid is the sum over the event, and what counted of it before the horizon, never below 0:
    `paid_kwh`. `max_powers_kw` bounds each interval beside `max_power_kw`.
    """

    baseline_kw: Floats
    price_per_kwh: float
    max_power_kw: float | None = None
    confidence_ratio: float = 0.9
    power_deviation_kw: float = 0.0
    max_powers_kw: Floats | None = None
    delivered_kwh: float = 0.0

    def __post_init__(self) -> None:
        baseline = checks.series(
            "events.baseline_powers_w", self.baseline_kw, len(self.baseline_kw)
        )
        object.__setattr__(self, "baseline_kw", baseline)
        checks.at_least("events.price_per_kwh", self.price_per_kwh, 0)
        if self.max_power_kw is not None:
            checks.at_least("events.max_power_w", self.max_power_kw, 0)
        checks.within("events.confidence_ratio", self.confidence_ratio, 0.5, 0.999999)
        checks.at_least("events.power_deviation_w", self.power_deviation_kw, 0)
        checks.finite("events.delivered_energy_wh", self.delivered_kwh)
        if self.max_powers_kw is not None:
            given = self.max_powers_kw
            most = checks.series("events.max_powers_w", given, len(given), low=0.0)
            object.__setattr__(self, "max_powers_kw", most)

    def most_kw(self, count: int) -> Floats:
        """Return the largest reduction that is paid in each of `count` intervals [kW]."""
        one = np.inf if self.max_power_kw is None else self.max_power_kw
        own = np.full(count, np.inf) if self.max_powers_kw is None else self.max_powers_kw
        most: Floats = np.minimum(own, one)
        return most

    def paid_kwh(self, counted_kwh: float) -> float:
        """Return what is paid of the horizon's part of an event that counts with this energy.

        1 kWh before it and -3 kWh in it leave nothing to pay: -1 kWh is taken back.
        """
        return max(0.0, self.delivered_kwh + counted_kwh) - max(0.0, self.delivered_kwh)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DemandResponseEvent:
    """What grid operator or market ask for some time; no `site_names`: all sites together."""

    id: str
    range: TimeRange
    kind: PowerLimits | EventPrice | PaidReduction
    site_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserve:
    """Power held ready for a grid service, with the energy behind it."""

    id: str
    range: TimeRange
    direction: ReserveDirection
    power_kw: float
    activation_duration: timedelta
    price_per_kw_hour: float = 0.0
    shortfall_price_per_kw_hour: float = 10.0
    site_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checks.at_least("reserves.power_w", self.power_kw, 0)
        checks.positive("reserves.activation_duration", self.activation_duration.total_seconds())
        checks.at_least("reserves.price_per_kw_hour", self.price_per_kw_hour, 0)
        checks.at_least("reserves.shortfall_price_per_kw_hour", self.shortfall_price_per_kw_hour, 0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Problem:
    """Sites planned together over a horizon.

    Error: InvalidArgument naming the field when series do not fit the horizon, names are not
    unique or unknown, or tariffs have another currency.
    """

    horizon: Horizon
    currency_code: str
    sites: tuple[Site, ...]
    groups: tuple[SiteGroup, ...] = ()
    goals: Goals = field(default_factory=Goals)
    events: tuple[DemandResponseEvent, ...] = ()
    reserves: tuple[Reserve, ...] = ()
    ensemble: Ensemble | None = None

    def __post_init__(self) -> None:
        if not self.sites:
            raise checks.refuse("sites", "needs at least one site")
        checks.unique("sites.name", (site.name for site in self.sites))
        checks.unique("assets.name", (asset.name for _, asset in self.assets()))
        checks.unique("groups.name", (group.name for group in self.groups))
        checks.unique("events.id", (event.id for event in self.events))
        checks.unique("reserves.id", (reserve.id for reserve in self.reserves))
        self._check_site_names()
        self._check_series()
        self._check_netted_billing()
        self._check_carbon()
        self._check_members()
        for site in self.sites:
            if site.tariff is not None and site.tariff.currency_code != self.currency_code:
                raise checks.refuse(
                    "sites.tariff.currency_code",
                    f"{site.name}: {site.tariff.currency_code}, not {self.currency_code}",
                )

    def assets(self) -> Iterator[tuple[Site, Asset]]:
        """Yield every asset with its site, in order."""
        for site in self.sites:
            for asset in site.assets:
                yield site, asset

    def site_indices(self, names: tuple[str, ...]) -> list[int]:
        """Return the positions of the named sites; of all for no names."""
        if not names:
            return list(range(len(self.sites)))
        index = {site.name: position for position, site in enumerate(self.sites)}
        return [index[name] for name in names]

    def _check_site_names(self) -> None:
        known = {site.name for site in self.sites}
        for where, names in (
            *((f"groups {group.name}", group.site_names) for group in self.groups),
            *((f"events {event.id}", event.site_names) for event in self.events),
            *((f"reserves {reserve.id}", reserve.site_names) for reserve in self.reserves),
        ):
            for name in names:
                if name not in known:
                    raise checks.refuse(f"{where}: site_names", f"no site {name!r}")
            if len(set(names)) < len(names):
                raise checks.refuse(f"{where}: site_names", "a site comes twice")

    def netted_group(self, site: Site) -> SiteGroup | None:
        """Return the group in which a site's energy is billed; None: on its own."""
        groups = (group for group in self.groups if group.netted_billing)
        return next((group for group in groups if site.name in group.site_names), None)

    def _check_netted_billing(self) -> None:
        billed: set[str] = set()
        for group in self.groups:
            if not group.netted_billing:
                continue
            if billed & set(group.site_names):
                raise checks.refuse("groups.netted_billing", "a site is billed in two groups")
            billed |= set(group.site_names)
            tariffs = [self.sites[index].tariff for index in self.site_indices(group.site_names)]
            if any(each != tariffs[0] for each in tariffs) or not _energy_only(tariffs[0]):
                words = f"{group.name}: needs one tariff for all sites, with energy prices alone"
                raise checks.refuse("groups.netted_billing", words)

    def intensity_of(self, site: Site) -> Floats | None:
        """Return the intensity that the carbon price applies to at a site; None: not known."""
        if site.carbon is None:
            return None
        average = self.goals.carbon_basis is CarbonBasis.AVERAGE
        carbon = site.carbon
        return carbon.average_gco2e_per_kwh if average else carbon.marginal_gco2e_per_kwh

    def _check_carbon(self) -> None:
        generators = (asset.kind for _, asset in self.assets() if isinstance(asset.kind, Generator))
        emits = any(generator.emission_gco2e_per_kwh > 0 for generator in generators)
        known = any(self.intensity_of(site) is not None for site in self.sites)
        if self.goals.carbon_price_per_kg > 0 and not (known or emits):
            basis = self.goals.carbon_basis.value
            words = f"has nothing to apply to: no site has {basis} carbon intensities"
            raise checks.refuse("goals.carbon_price_per_kg", words)

    def _check_members(self) -> None:
        if self.ensemble is None:
            return
        uncertain = {
            asset.name
            for _, asset in self.assets()
            if isinstance(asset.kind, FixedLoad | RenewableSource)
        }
        for member in self.ensemble.members:
            for name, values in member.items():
                if name not in uncertain:
                    words = f"no load or renewable source {name!r}"
                    raise checks.refuse("ensemble.members.powers.asset", words)
                checks.series("ensemble.members.powers_w", values, self.horizon.count)

    def _check_series(self) -> None:
        for where, values in self._series():
            if values is not None and len(values) != self.horizon.count:
                raise checks.refuse(
                    where, f"needs {self.horizon.count} values, one per interval, not {len(values)}"
                )

    def _series(self) -> Iterator[tuple[str, Floats | None]]:
        for _, asset in self.assets():
            for name, values in _asset_series(asset):
                yield f"{asset.name}: {name}", values
        for site in self.sites:
            for node in site.nodes:
                yield from _limit_series(f"{site.name}: {node.id}", node.limits)
            yield from _limit_series(f"{site.name}: connection_limits", site.limits)
            if site.carbon is not None:
                where = f"{site.name}: carbon_intensity"
                yield f"{where}.average", site.carbon.average_gco2e_per_kwh
                yield f"{where}.marginal", site.carbon.marginal_gco2e_per_kwh
        for group in self.groups:
            yield from _limit_series(group.name, group.limits)
            for node in group.nodes:
                yield from _limit_series(f"{group.name}: {node.id}", node.limits)
        for event in self.events:
            if isinstance(event.kind, PowerLimits):
                yield from _limit_series(event.id, event.kind)
            elif isinstance(event.kind, PaidReduction):
                yield f"{event.id}: baseline_powers_w", event.kind.baseline_kw
                yield f"{event.id}: max_powers_w", event.kind.max_powers_kw


def _energy_only(tariff: Tariff | None) -> bool:
    return tariff is not None and not any(
        terms.demand_charges
        or terms.coincident_peak_charges
        or terms.import_rates.tiered_rates
        or terms.export_rates.tiered_rates
        for terms in tariff.every_terms
    )


def _limit_series(where: str, limits: PowerLimits) -> Iterator[tuple[str, Floats | None]]:
    yield f"{where}: max_import_powers_w", limits.max_import_powers_kw
    yield f"{where}: max_export_powers_w", limits.max_export_powers_kw
    yield f"{where}: max_phase_import_powers_w", limits.max_phase_import_powers_kw
    yield f"{where}: max_phase_export_powers_w", limits.max_phase_export_powers_kw


def _asset_series(asset: Asset) -> Iterator[tuple[str, Floats | None]]:
    match asset.kind:
        case FixedLoad() as load:
            yield "powers_w", load.powers_kw
        case RenewableSource() as source:
            yield "powers_w", source.powers_kw
        case HvacZone() as zone:
            yield "outdoor_temperatures_celsius", zone.outdoor_temperatures_celsius
        case ThermalTank() as tank:
            yield "draw_heats_w", tank.draw_heats_kw
        case _:
            return
