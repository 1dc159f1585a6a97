"""How much reserve a trajectory holds: by power, and by the energy behind it."""

from collections.abc import Sequence

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import Generator, RenewableSource
from wattmesh_optimizer.domain.ev import stays
from wattmesh_optimizer.domain.plan import AssetPlan, ReserveHolding, SitePlan
from wattmesh_optimizer.domain.problem import Problem, ReserveDirection
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.storage import Battery, EvCharger
from wattmesh_optimizer.domain.tariffs import SiteTariff, connection_limits

Headroom = tuple[Floats, Floats, float]
"""Power to spare [kW], energy to spare [kWh], energy used per kWh delivered."""


def reserve_holdings(
    problem: Problem, tariffs: Sequence[SiteTariff | None], sites: Sequence[SitePlan]
) -> tuple[ReserveHolding, ...]:
    """Return what each reserve holds; reserves that overlap are served dearest first."""
    used: dict[tuple[str, bool], tuple[Floats, Floats]] = {}
    at_site: dict[tuple[str, bool], Floats] = {}
    held: dict[str, Floats] = {}
    by_site: dict[str, dict[str, Floats]] = {}
    count = problem.horizon.count
    for reserve in sorted(
        problem.reserves,
        key=lambda each: -(each.price_per_kw_hour + each.shortfall_price_per_kw_hour),
    ):
        up = reserve.direction is ReserveDirection.UP
        during = problem.horizon.touched((reserve.range,))
        hours = reserve.activation_duration.total_seconds() / 3600
        left = np.where(during, reserve.power_kw, 0.0)
        shares = by_site.setdefault(reserve.id, {})
        for index in problem.site_indices(reserve.site_names):
            site, plan = problem.sites[index], sites[index]
            key = (site.name, up)
            before = left
            if key not in at_site:
                at_site[key] = _site_room(problem, index, tariffs[index], plan, up)
            for asset, asset_plan in zip(site.assets, plan.assets, strict=True):
                room = _headroom(problem, asset, asset_plan, up)
                if room is None:
                    continue
                power, energy, rate = room
                zero = np.zeros(count)
                power_used, energy_used = used.get((asset.name, up), (zero, zero))
                by_energy = np.maximum(0.0, energy - energy_used) / (hours * rate)
                take = np.minimum(np.maximum(0.0, power - power_used), by_energy)
                take = np.minimum(np.minimum(take, left), at_site[key])
                left = left - take
                at_site[key] = at_site[key] - take
                used[asset.name, up] = (power_used + take, energy_used + take * hours * rate)
            if (before > left).any():
                shares[site.name] = before - left
        held[reserve.id] = np.where(during, reserve.power_kw - left, 0.0)
    return tuple(
        ReserveHolding(
            reserve_id=reserve.id, powers_kw=held[reserve.id], sites_kw=by_site[reserve.id]
        )
        for reserve in problem.reserves
    )


def _site_room(
    problem: Problem, index: int, tariff: SiteTariff | None, plan: SitePlan, up: bool
) -> Floats:
    """Return by how much activation may change a site's exchange [kW]; islands hold nothing."""
    site = problem.sites[index]
    limit_in, limit_out = connection_limits(site, tariff, problem.horizon.count)
    room = limit_out + plan.net_kw if up else limit_in - plan.net_kw
    islanded = problem.horizon.touched(site.islanded_ranges)
    return np.where(islanded, 0.0, np.maximum(0.0, room))


def _headroom(problem: Problem, asset: Asset, plan: AssetPlan, up: bool) -> Headroom | None:
    power = plan.powers_kw
    endless = np.full(len(power), np.inf)
    match asset.kind:
        case Battery() as battery:
            return _battery(battery, plan, up)
        case EvCharger() as charger if up:
            present = np.zeros(len(power))
            for stay in stays(charger, asset.phase, problem.horizon):
                present = np.maximum(present, stay.plugged_in > 0)
            return np.maximum(0.0, power) * present, endless, 1.0
        case RenewableSource() as source if source.curtailable:
            given = np.maximum(0.0, -power)
            return (source.available_kw - given if up else given), endless, 1.0
        case Generator() as generator:
            on = plan.on if plan.on is not None else power < 0
            running = on | (not generator.has_commitment)
            given = -power
            room = (
                generator.max_output_power_kw - given
                if up
                else given - generator.min_output_power_kw
            )
            return np.where(running, np.maximum(0.0, room), 0.0), endless, 1.0
        case _:
            return None


def _battery(battery: Battery, plan: AssetPlan, up: bool) -> Headroom | None:
    if plan.soc_ratios is None:
        return None
    energies = plan.soc_ratios * battery.capacity_kwh
    low, high = battery.usable_edges_kwh
    if up:
        energy = np.minimum(energies[:-1], energies[1:]) - low
        power = battery.max_discharge_power_kw + plan.powers_kw
        return power, np.maximum(0.0, energy), 1.0 / battery.discharge_efficiency_ratio
    energy = high - np.maximum(energies[:-1], energies[1:])
    power = battery.max_charge_power_kw - plan.powers_kw
    return power, np.maximum(0.0, energy), battery.charge_efficiency_ratio
