"""What a site's exchange with the grid costs, and which limits it breaks."""

from dataclasses import dataclass

import numpy as np

from wattmesh_kernel.sites import Phase
from wattmesh_kernel.tariff import ChargeCause, EnergyDirection, evaluate
from wattmesh_optimizer.domain.assessment.assets import AssetAssessment
from wattmesh_optimizer.domain.assessment.ledger import Ledger
from wattmesh_optimizer.domain.assessment.nodes import LimitAssessment
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.flatness import changes_kw
from wattmesh_optimizer.domain.islanding import critical_energy_kwh
from wattmesh_optimizer.domain.network import phase_power
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind, SitePlan
from wattmesh_optimizer.domain.problem import CarbonBasis
from wattmesh_optimizer.domain.site import ISLAND_PRICE_PER_KWH, Site
from wattmesh_optimizer.domain.storage import Battery
from wattmesh_optimizer.domain.tariffs import SiteTariff, connection_limits
from wattmesh_optimizer.domain.wording import NEGLIGIBLE_KW, NEGLIGIBLE_KWH, series_requirement

_CAUSES = {
    ChargeCause.IMPORT_ENERGY: CostCause.ENERGY,
    ChargeCause.EXPORT_ENERGY: CostCause.EXPORT_CREDIT,
    ChargeCause.COINCIDENT_PEAK: CostCause.ENERGY,
    ChargeCause.DEMAND: CostCause.DEMAND,
    ChargeCause.FIXED: CostCause.STANDING,
}


@dataclass(frozen=True, slots=True, eq=False)
class SiteAssessment:
    """Adds the costs and missed requirements of one site to a ledger.

    `balance_kw`: flow into everything behind the connection; where islanded it should be 0.
    """

    ledger: Ledger
    site: Site
    tariff: SiteTariff | None
    plan: SitePlan
    balance_kw: Floats

    def assess(self) -> None:
        """Add the site."""
        assets = AssetAssessment(self.ledger, self.site)
        for asset, plan in zip(self.site.assets, self.plan.assets, strict=True):
            assets.assess(asset, plan)
        if self.tariff is not None:
            self._bill(self.tariff)
        self._goals()
        self._connection()
        self._nodes()
        self._island()
        self._islanding_reserve()

    def _bill(self, tariff: SiteTariff) -> None:
        """Add what the site pays; where its group is billed as one, what energy does not change."""
        own = 0.0 if self.ledger.problem.netted_group(self.site) else self.ledger.hours
        cost = evaluate(tariff.lowered, self.plan.import_kw * own, self.plan.export_kw * own)
        exported = {
            tier.rate_id
            for tier in tariff.lowered.tiers
            if tier.direction is EnergyDirection.EXPORT
        }
        for line in cost.lines:
            if line.cause is ChargeCause.TIER:
                credit = line.name in exported
                cause = CostCause.EXPORT_CREDIT if credit else CostCause.ENERGY
            else:
                cause = _CAUSES[line.cause]
            self.ledger.cost(cause, line.amount, line.name, self.site.name)

    def _goals(self) -> None:
        goals, name, hours = self.ledger.problem.goals, self.site.name, self.ledger.hours
        plan = self.plan
        exported = float(plan.export_kw.sum()) * hours
        self.ledger.cost(
            CostCause.SELF_CONSUMPTION, goals.export_price_per_kwh * exported, "", name
        )
        peak = float(plan.import_kw.max())
        self.ledger.cost(CostCause.PEAK, goals.peak_price_per_kw * peak, name, name)
        changes = changes_kw(plan.net_kw, self.site.power_before_kw)
        self.ledger.cost(CostCause.RAMP, goals.ramp_price_per_kw * changes, name, name)
        average = goals.carbon_basis is CarbonBasis.AVERAGE
        emitted = plan.average_emissions_kg if average else plan.marginal_emissions_kg
        if emitted is not None:
            self.ledger.cost(CostCause.CARBON, goals.carbon_price_per_kg * emitted, "", name)

    def _connection(self) -> None:
        count = self.ledger.problem.horizon.count
        limit_in, limit_out = connection_limits(self.site, self.tariff, count)
        price, name = self.site.limits.limit_price_per_kwh, self.site.name
        for which, power, limit in (
            ("import", self.plan.import_kw, limit_in),
            ("export", self.plan.export_kw, limit_out),
        ):
            self._limits.limit(name, f"{name}: {which}", power, limit, price)
        self._limits.phases(name, name, self.site.limits, lambda each: self._phase_kw("", each))

    def _nodes(self) -> None:
        flows = self.plan.node_flows_kw
        self._limits.nodes(self.site.name, self.site.nodes, flows, self._phase_kw)

    @property
    def _limits(self) -> LimitAssessment:
        return LimitAssessment(ledger=self.ledger, zone=self.site.zone, site=self.site.name)

    def _phase_kw(self, node_id: str, conductor: Phase) -> Floats:
        powers = {asset.name: asset.powers_kw for asset in self.plan.assets}
        count = self.ledger.problem.horizon.count
        return phase_power(self.site, node_id, powers, conductor, count)

    def _island(self) -> None:
        """An island that does not balance misses power or has too much."""
        islanded = self.ledger.problem.horizon.touched(self.site.islanded_ranges)
        if not islanded.any():
            return
        wanted = np.where(islanded, self.balance_kw, 0.0)
        for kind, missing, sentence in (
            (
                RequirementKind.LOAD_SUPPLY,
                np.maximum(wanted, 0.0),
                "misses {short:.1f} kW as an island from {first} to {last}, {total:.1f} kWh in all",
            ),
            (
                RequirementKind.SURPLUS,
                np.maximum(-wanted, 0.0),
                "has {short:.1f} kW too much as an island from {first} to {last}, "
                "{total:.1f} kWh in all",
            ),
        ):
            energy = float(missing.sum()) * self.ledger.hours
            self.ledger.penalty(energy * ISLAND_PRICE_PER_KWH, self.site.name, self.site.name)
            self.ledger.requirement(
                series_requirement(
                    self.ledger.words(self.site.zone),
                    kind=kind,
                    subject=self.site.name,
                    sentence=f"{self.site.name} {sentence}",
                    missing=missing,
                    required=np.zeros(len(missing)),
                    unit="kW",
                    negligible=NEGLIGIBLE_KW,
                    price=ISLAND_PRICE_PER_KWH,
                )
            )

    def _islanding_reserve(self) -> None:
        reserve = self.site.islanding_reserve
        if reserve is None:
            return
        required = critical_energy_kwh(self.site, self.ledger.problem.horizon)
        held = np.zeros(len(required))
        for asset, plan in zip(self.site.assets, self.plan.assets, strict=True):
            if isinstance(asset.kind, Battery):
                held += _deliverable(asset.kind, plan)
        missing = np.maximum(0.0, required - held)
        price = reserve.shortfall_price_per_kwh
        self.ledger.penalty(
            float(missing.sum()) * self.ledger.hours * price, self.site.name, self.site.name
        )
        hours = reserve.duration.total_seconds() / 3600
        self.ledger.requirement(
            series_requirement(
                self.ledger.words(self.site.zone),
                kind=RequirementKind.ISLANDING_RESERVE,
                subject=self.site.name,
                sentence=f"{self.site.name} should hold {{required:.1f}} kWh for {hours:g} h "
                f"without grid (P{100 * reserve.percentile_ratio:.0f} of critical load), holds "
                "{planned:.1f} kWh, short up to {short:.1f} kWh from {first} to {last}",
                missing=missing,
                required=required,
                unit="kWh",
                negligible=NEGLIGIBLE_KWH,
                price=price,
            )
        )


def _deliverable(battery: Battery, plan: AssetPlan) -> Floats:
    """Return what a battery could deliver from each interval's end on [kWh]."""
    if plan.soc_ratios is None:
        return np.zeros(len(plan.powers_kw))
    stored = plan.soc_ratios[1:] * battery.capacity_kwh - battery.min_energy_kwh
    return stored * battery.discharge_efficiency_ratio
