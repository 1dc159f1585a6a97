"""What each kind of asset costs and misses."""

from dataclasses import dataclass

import numpy as np

from wattmesh_optimizer.domain.assessment.ledger import Ledger
from wattmesh_optimizer.domain.assessment.machines import assess_deferrable, assess_generator
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.deferrable import DeferrableLoad
from wattmesh_optimizer.domain.electrical import (
    NON_CRITICAL_SHARE,
    FixedLoad,
    Generator,
    RenewableSource,
)
from wattmesh_optimizer.domain.ev import EvStay, stays
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind
from wattmesh_optimizer.domain.site import Asset, Site
from wattmesh_optimizer.domain.storage import SOC_WINDOW_PRICE, Battery, EvCharger
from wattmesh_optimizer.domain.thermal import HvacZone, ThermalTank
from wattmesh_optimizer.domain.wording import (
    NEGLIGIBLE_K,
    NEGLIGIBLE_KW,
    NEGLIGIBLE_KWH,
    deadline_requirement,
    series_requirement,
)


@dataclass(frozen=True, slots=True, eq=False)
class AssetAssessment:
    """Adds the costs and missed requirements of the assets of one site to a ledger."""

    ledger: Ledger
    site: Site

    def assess(self, asset: Asset, plan: AssetPlan) -> None:
        """Add one asset."""
        match asset.kind:
            case FixedLoad() as load:
                self._load(asset, load, plan)
            case RenewableSource() as source:
                self._renewable(asset, source, plan)
            case Battery() as battery:
                self._battery(asset, battery, plan)
            case EvCharger() as charger:
                for stay in stays(charger, asset.phase, self.ledger.problem.horizon):
                    self._stay(asset, charger, stay, plan)
            case HvacZone() as zone:
                self._zone(asset, zone, plan)
            case ThermalTank() as tank:
                self._tank(asset, tank, plan)
            case DeferrableLoad() as load:
                assess_deferrable(self.ledger, self.site, asset, load, plan)
            case Generator() as generator:
                assess_generator(self.ledger, self.site, asset, generator, plan)

    def _load(self, asset: Asset, load: FixedLoad, plan: AssetPlan) -> None:
        if plan.shed_kw is None or not plan.shed_kw.any():
            return
        critical = np.minimum(load.critical_kw, np.maximum(load.powers_kw, 0.0))
        spare = np.maximum(load.powers_kw, 0.0) - critical
        cheap = np.minimum(plan.shed_kw, spare)
        price = load.shed_price_per_kwh
        amount = float(np.sum(NON_CRITICAL_SHARE * cheap + (plan.shed_kw - cheap)))
        self.ledger.penalty(amount * price * self.ledger.hours, asset.name, self.site.name)
        self.ledger.requirement(
            series_requirement(
                self.ledger.words(self.site.zone),
                kind=RequirementKind.LOAD_SUPPLY,
                subject=asset.name,
                sentence=f"Load {asset.label} wants {{required:.1f}} kW, {{planned:.1f}} kW can be "
                "supplied from {first} to {last}, {total:.1f} kWh are not",
                missing=plan.shed_kw,
                required=load.powers_kw,
                unit="kW",
                negligible=NEGLIGIBLE_KW,
                price=price,
            )
        )

    def _renewable(self, asset: Asset, source: RenewableSource, plan: AssetPlan) -> None:
        if plan.curtailed_kw is not None and source.curtailment_price_per_kwh:
            energy = float(plan.curtailed_kw.sum()) * self.ledger.hours
            amount = energy * source.curtailment_price_per_kwh
            self.ledger.cost(CostCause.CURTAILMENT, amount, asset.name, self.site.name)

    def _battery(self, asset: Asset, battery: Battery, plan: AssetPlan) -> None:
        if plan.soc_ratios is None:
            return
        energies = plan.soc_ratios * battery.capacity_kwh
        name, site = asset.name, self.site.name
        wear = battery.wear_cost_per_kwh * self.ledger.problem.goals.wear_weight
        moved = float(np.abs(plan.powers_kw).sum()) * self.ledger.hours
        self.ledger.cost(CostCause.WEAR, wear * moved, name, site)
        gained = float(energies[-1] - energies[0])
        worth = -battery.terminal_value_per_kwh * gained
        self.ledger.cost(CostCause.TERMINAL_VALUE, worth, name, site)
        self._window(asset, "Battery", energies[1:], battery.min_energy_kwh, battery.max_energy_kwh)
        if battery.final_soc_ratio is not None and battery.final_soc_price_per_kwh > 0:
            required = battery.final_soc_ratio * battery.capacity_kwh
            self._final(asset, battery, required, float(energies[-1]))

    def _final(self, asset: Asset, battery: Battery, required: float, planned: float) -> None:
        price = battery.final_soc_price_per_kwh
        missing = max(0.0, required - planned)
        self.ledger.penalty(missing * price, asset.name, self.site.name)
        probe = self.ledger.probes.get((RequirementKind.FINAL_SOC, asset.name))
        self.ledger.requirement(
            deadline_requirement(
                self.ledger.words(self.site.zone),
                kind=RequirementKind.FINAL_SOC,
                subject=asset.name,
                label=f"Battery {asset.label}",
                verb="should hold",
                required_kwh=required,
                planned_kwh=planned,
                possible_kwh=required if probe is None else required - probe.least,
                deadline=self.ledger.problem.horizon.end,
                price_per_kwh=price,
            )
        )

    def _window(self, asset: Asset, what: str, energies: Floats, low: float, high: float) -> None:
        words = self.ledger.words(self.site.zone)
        for missing, edge, relation in (
            (np.maximum(0.0, low - energies), low, "above"),
            (np.maximum(0.0, energies - high), high, "below"),
        ):
            if missing.max(initial=0.0) <= 1e-6:
                continue
            amount = float(missing.sum()) * self.ledger.hours * SOC_WINDOW_PRICE
            self.ledger.penalty(amount, asset.name, self.site.name)
            self.ledger.requirement(
                series_requirement(
                    words,
                    kind=RequirementKind.SOC_WINDOW,
                    subject=asset.name,
                    sentence=f"{what} {asset.label} should stay {relation} {{required:.2f}} kWh, "
                    "is up to {short:.2f} kWh off from {first} to {last}",
                    missing=missing,
                    required=np.full(len(missing), edge),
                    unit="kWh",
                    negligible=NEGLIGIBLE_KWH,
                    price=SOC_WINDOW_PRICE,
                )
            )

    def _stay(self, asset: Asset, charger: EvCharger, stay: EvStay, plan: AssetPlan) -> None:
        session, name, site = stay.session, asset.name, self.site.name
        energies = plan.session_soc_ratios[session.id] * session.capacity_kwh
        added = float(energies[-1] - energies[0])
        price = session.shortfall_price_per_kwh
        at_risk = float(np.maximum(0.0, np.diff(energies)) @ stay.left_ratio)
        self.ledger.penalty(max(0.0, stay.required_kwh - added) * price, name, site)
        self.ledger.cost(CostCause.RISK, at_risk * session.risk_price_per_kwh, name, site)
        value = min(session.terminal_value_per_kwh, price)
        excess = max(0.0, added - stay.fitting_kwh)
        self.ledger.cost(CostCause.TERMINAL_VALUE, -value * excess, name, site)
        if charger.max_discharge_power_kw > 0:
            wear = session.wear_cost_per_kwh * self.ledger.problem.goals.wear_weight
            inside = stay.plugged_in > 0
            given = float(np.maximum(0.0, -plan.powers_kw[inside]).sum()) * self.ledger.hours
            self.ledger.cost(CostCause.WEAR, wear * given, name, site)
            low = session.min_soc_ratio * session.capacity_kwh
            if session.initial_energy_kwh < low:
                held = np.where(inside, energies[1:], low)
                self._window(asset, f"EV {session.id} at", held, low, session.capacity_kwh)
        self._departure(asset, stay, added)

    def _departure(self, asset: Asset, stay: EvStay, added_kwh: float) -> None:
        session, horizon = stay.session, self.ledger.problem.horizon
        subject = f"{asset.name}:{session.id}"
        probe = self.ledger.probes.get((RequirementKind.EV_ENERGY, subject))
        possible = stay.possible_kwh if probe is None else stay.fitting_kwh - probe.least
        self.ledger.requirement(
            deadline_requirement(
                self.ledger.words(self.site.zone),
                kind=RequirementKind.EV_ENERGY,
                subject=subject,
                label=f"EV {session.id}",
                verb="needs",
                required_kwh=stay.required_kwh,
                planned_kwh=added_kwh,
                possible_kwh=possible,
                deadline=min(session.departure, horizon.end),
                price_per_kwh=session.shortfall_price_per_kwh,
            )
        )

    def _zone(self, asset: Asset, zone: HvacZone, plan: AssetPlan) -> None:
        if plan.temperatures_celsius is None:
            return
        air = plan.temperatures_celsius[1:]
        low, high = zone.bands_celsius
        price = zone.discomfort_price_per_kelvin_hour * self.ledger.problem.goals.comfort_weight
        for missing, edge, relation in (
            (np.maximum(0.0, low - air), low, "above"),
            (np.maximum(0.0, air - high), high, "below"),
        ):
            amount = float(missing.sum()) * self.ledger.hours * price
            self.ledger.cost(CostCause.COMFORT, amount, asset.name, self.site.name)
            self.ledger.requirement(
                series_requirement(
                    self.ledger.words(self.site.zone),
                    kind=RequirementKind.COMFORT,
                    subject=asset.name,
                    sentence=f"Zone {asset.label} should stay {relation} {{required:.1f}} °C, is "
                    "up to {short:.1f} K off from {first} to {last}, {total:.1f} Kh in all",
                    missing=missing,
                    required=edge,
                    unit="K",
                    negligible=NEGLIGIBLE_K,
                    price=price,
                )
            )

    def _tank(self, asset: Asset, tank: ThermalTank, plan: AssetPlan) -> None:
        if plan.temperatures_celsius is None:
            return
        ends, low = plan.temperatures_celsius[1:], tank.min_temperature_celsius
        missing = np.maximum(0.0, low - ends)
        price = tank.shortfall_price_per_kwh * tank.capacity_kwh_per_k
        name, site = asset.name, self.site.name
        self.ledger.penalty(float(missing.sum()) * self.ledger.hours * price, name, site)
        value = tank.terminal_value_per_kelvin(self.ledger.hours)
        gained = max(low, float(ends[-1])) - max(low, tank.initial_temperature_celsius)
        self.ledger.cost(CostCause.TERMINAL_VALUE, -value * gained, name, site)
        self.ledger.requirement(
            series_requirement(
                self.ledger.words(self.site.zone),
                kind=RequirementKind.TANK_TEMPERATURE,
                subject=name,
                sentence=f"Tank {asset.label} should stay above {{required:.1f}} °C, is up to "
                "{short:.1f} K below from {first} to {last}, {total:.1f} Kh in all",
                missing=missing,
                required=np.full(len(missing), low),
                unit="K",
                negligible=NEGLIGIBLE_K,
                price=price,
            )
        )
