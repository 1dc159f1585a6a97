"""Batteries and vehicles: stored energy follows power through its efficiencies."""

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.ev import EvStay, stays
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.physics.outcome import (
    Outcome,
    Recorder,
    fitted_power,
    kept_power,
    largest,
    zeros,
)
from wattmesh_optimizer.domain.plan import AssetPlan
from wattmesh_optimizer.domain.schedule import AssetSchedule
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.storage import Battery, EvCharger

ROUNDING_KWH = 1e-5


def simulate_battery(
    asset: Asset,
    battery: Battery,
    schedule: AssetSchedule | None,
    horizon: Horizon,
    *,
    as_orders: bool = False,
) -> Outcome:
    """Run a battery; without a schedule it idles."""
    recorder = Recorder(asset, horizon)
    asked = zeros(horizon) if schedule is None else schedule.powers_kw
    powers, energies = np.empty(horizon.count), np.empty(horizon.count + 1)
    energies[0] = battery.initial_energy_kwh
    for index, power in enumerate(asked.tolist()):
        done = _battery_power(battery, recorder, index, power, float(energies[index]))
        least = battery.min_charge_power_kw if done > 0 else battery.min_discharge_power_kw
        done = float(np.copysign(kept_power(abs(done), least, as_orders), done))
        powers[index] = done
        energies[index + 1] = _stored(battery, float(energies[index]), done, horizon.hours)
        _watch_window(battery, recorder, index, energies)
    energies = np.clip(energies, 0.0, battery.capacity_kwh)
    soc = energies / battery.capacity_kwh
    return recorder.outcome(AssetPlan(name=asset.name, powers_kw=powers, soc_ratios=soc))


def soc_power_limits_kw(battery: Battery, energy_kwh: float) -> tuple[float, float]:
    """Return the largest charge and discharge power at a stored energy [kW]."""
    points = battery.soc_power_limits
    if not points:
        return battery.max_charge_power_kw, battery.max_discharge_power_kw
    soc, ratios = energy_kwh / battery.capacity_kwh, [point.soc_ratio for point in points]
    charge = np.interp(soc, ratios, [point.max_charge_power_kw for point in points])
    discharge = np.interp(soc, ratios, [point.max_discharge_power_kw for point in points])
    return (
        min(battery.max_charge_power_kw, float(charge)),
        min(battery.max_discharge_power_kw, float(discharge)),
    )


def _stored(battery: Battery, energy_kwh: float, power_kw: float, hours: float) -> float:
    kept = battery.retention(hours) * energy_kwh
    if power_kw >= 0:
        return kept + power_kw * battery.charge_efficiency_ratio * hours
    return kept + power_kw / battery.discharge_efficiency_ratio * hours


def _battery_power(
    battery: Battery, recorder: Recorder, index: int, asked_kw: float, energy_kwh: float
) -> float:
    """Return the power it can give: limits at the energy before and after, and no over-filling."""
    charging, hours = asked_kw >= 0, recorder.horizon.hours
    sign, side = (1.0, 0) if charging else (-1.0, 1)
    minimum = battery.min_charge_power_kw if charging else battery.min_discharge_power_kw
    limit = soc_power_limits_kw(battery, energy_kwh)[side]

    def possible(value: float) -> bool:
        after = _stored(battery, energy_kwh, sign * value, hours)
        fits = -ROUNDING_KWH <= after <= battery.capacity_kwh + ROUNDING_KWH
        return fits and value <= soc_power_limits_kw(battery, after)[side] + 1e-6

    fitting = largest(0.0, limit, possible)
    done, name = fitted_power(sign * asked_kw, limit, minimum, fitting, "stored_energy")
    recorder.power(index, name, asked_kw, sign * done)
    return sign * done


def _watch_window(battery: Battery, recorder: Recorder, index: int, energies: Floats) -> None:
    """Record leaving the window further; coming back into it from outside is no violation."""
    before, after = float(energies[index]), float(energies[index + 1])
    for name, edge, sign in (
        ("min_soc", battery.min_energy_kwh, -1.0),
        ("max_soc", battery.max_energy_kwh, 1.0),
    ):
        beyond = sign * (after - edge)
        if beyond > 1e-3 and beyond > sign * (before - edge) + 1e-6:
            ratio = battery.capacity_kwh
            recorder.add(index, name, after / ratio, edge / ratio, "ratio", physical=False)


def simulate_ev_charger(
    asset: Asset,
    charger: EvCharger,
    schedule: AssetSchedule | None,
    horizon: Horizon,
    *,
    as_orders: bool = False,
) -> Outcome:
    """Run a charge point; without a schedule every vehicle charges at once, as far as it needs.

    Where one vehicle leaves and the next arrives within an interval, they share it by time.
    """
    recorder = Recorder(asset, horizon)
    powers, socs = zeros(horizon), {}
    found = stays(charger, asset.phase, horizon)
    present = np.sum([stay.plugged_in for stay in found], axis=0) + zeros(horizon)
    for stay in found:
        asked = None
        if schedule is not None:
            share = np.divide(stay.plugged_in, present, out=zeros(horizon), where=present > 0)
            asked = schedule.powers_kw * share
        done, energies = _run_stay(charger, stay, recorder, asked, as_orders)
        powers += done
        socs[stay.session.id] = energies / stay.session.capacity_kwh
    if schedule is not None:
        for index in np.flatnonzero((present == 0) & (schedule.powers_kw != 0)):
            recorder.power(int(index), "not_present", float(schedule.powers_kw[index]), 0.0)
    plan = AssetPlan(name=asset.name, powers_kw=powers, session_soc_ratios=socs)
    return recorder.outcome(plan)


def _run_stay(
    charger: EvCharger,
    stay: EvStay,
    recorder: Recorder,
    schedule_kw: Floats | None,
    as_orders: bool,
) -> tuple[Floats, Floats]:
    horizon, session = recorder.horizon, stay.session
    powers, energies = zeros(horizon), np.empty(horizon.count + 1)
    energies[0] = session.initial_energy_kwh
    goal = session.initial_energy_kwh + stay.fitting_kwh
    for index, plugged_in in enumerate(stay.plugged_in.tolist()):
        energy = float(energies[index])
        if plugged_in > 0:
            asked = _asked_power(charger, stay, goal - energy, plugged_in, horizon.hours)
            if schedule_kw is not None:
                asked = float(schedule_kw[index])
            done = _ev_power(charger, stay, recorder, index, asked, energy)
            least = stay.min_power_kw * plugged_in if done > 0 else 0.0
            powers[index] = kept_power(done, least, as_orders) if done > 0 else done
        energies[index + 1] = _ev_stored(charger, energy, float(powers[index]), horizon.hours)
    return powers, np.clip(energies, 0.0, session.capacity_kwh)


def _asked_power(
    charger: EvCharger, stay: EvStay, missing_kwh: float, plugged_in: float, hours: float
) -> float:
    """Return the power of uncontrolled charging: all there is, until the requirement is met."""
    needed = max(0.0, missing_kwh) / charger.charge_efficiency_ratio / hours
    power = min(stay.max_power_kw * plugged_in, needed)
    least = stay.min_power_kw * plugged_in
    return power if power >= least or power == 0 else least


def _ev_stored(charger: EvCharger, energy_kwh: float, power_kw: float, hours: float) -> float:
    if power_kw >= 0:
        return energy_kwh + power_kw * charger.charge_efficiency_ratio * hours
    return energy_kwh + power_kw / charger.discharge_efficiency_ratio * hours


def _ev_power(
    charger: EvCharger,
    stay: EvStay,
    recorder: Recorder,
    index: int,
    asked_kw: float,
    energy_kwh: float,
) -> float:
    plugged_in, hours = float(stay.plugged_in[index]), recorder.horizon.hours
    sign = 1.0 if asked_kw >= 0 else -1.0
    if sign > 0:
        limit, least = stay.max_power_kw * plugged_in, stay.min_power_kw * plugged_in
    else:
        limit, least = charger.max_discharge_power_kw * plugged_in, 0.0

    def possible(value: float) -> bool:
        after = _ev_stored(charger, energy_kwh, sign * value, hours)
        return -ROUNDING_KWH <= after <= stay.session.capacity_kwh + ROUNDING_KWH

    fitting = largest(0.0, limit, possible)
    done, name = fitted_power(sign * asked_kw, limit, least, fitting, "stored_energy")
    recorder.power(index, name, asked_kw, sign * done)
    return sign * done
