"""Zones and tanks: temperatures follow the heat that electric power makes."""

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.physics.outcome import (
    Outcome,
    Recorder,
    fitted_power,
    step_power,
    zeros,
)
from wattmesh_optimizer.domain.physics.temperature import (
    free_temperatures,
    tank_step,
    zone_step,
)
from wattmesh_optimizer.domain.plan import AssetPlan
from wattmesh_optimizer.domain.schedule import AssetSchedule
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.thermal import HeatPump, HvacZone, ThermalTank


def simulate_hvac_zone(
    asset: Asset, zone: HvacZone, schedule: AssetSchedule | None, horizon: Horizon
) -> Outcome:
    """Run a zone; without a schedule its thermostat keeps it within its band, as far as it can.

    Power without a heating part heats below the middle of the comfort band and cools above.
    """
    recorder, step = Recorder(asset, horizon), zone_step(zone, horizon.hours)
    air, mass = zone.initial_air_temperature_celsius, zone.initial_mass_temperature_celsius
    state = np.array([air, air if mass is None else mass][: step.order])
    states, powers, heats = [state], zeros(horizon), zeros(horizon)
    low, high = zone.bands_celsius
    for index in range(horizon.count):
        outdoor = zone.outdoor_temperatures_celsius[index : index + 1]
        net = float(zone.gains_kw[index])
        if schedule is None:
            free = step.a @ state + step.b_outdoor * outdoor[0] + step.b_heat * net
            below_kw = (float(low[index]) - float(free[0])) / float(step.b_heat[0])
            above_kw = (float(free[0]) - float(high[index])) / float(step.b_heat[0])
            asked_heat = _kept(zone.heating, below_kw, _cop(zone.heating, outdoor))
            asked = asked_heat + _kept(zone.cooling, above_kw, _cop(zone.cooling, outdoor))
        elif schedule.heating_kw is not None:
            asked, asked_heat = float(schedule.powers_kw[index]), float(schedule.heating_kw[index])
        else:
            asked = float(schedule.powers_kw[index])
            asked_heat = asked if _heats(zone, float(state[0]), (low + high)[index] / 2) else 0.0
        heat = _machine(recorder, index, zone.heating, asked_heat)
        cold = _machine(recorder, index, zone.cooling, asked - asked_heat)
        powers[index], heats[index] = heat + cold, heat
        net += heat * _cop(zone.heating, outdoor) - cold * _cop(zone.cooling, outdoor)
        state = step.a @ state + step.b_outdoor * outdoor[0] + step.b_heat * net
        states.append(state)
    trajectory = np.array(states)
    return recorder.outcome(
        AssetPlan(
            name=asset.name,
            powers_kw=powers,
            heating_kw=heats,
            temperatures_celsius=trajectory[:, 0],
            mass_temperatures_celsius=trajectory[:, 1] if step.order == 2 else None,
        )
    )


def _kept(pump: HeatPump | None, missing_kw: float, cop: float) -> float:
    """Return what a thermostat has a machine draw [kW] when so much heat or cold is missing."""
    if pump is None or missing_kw <= 0 or cop <= 0:
        return 0.0
    return min(max(missing_kw / cop, pump.min_power_kw), pump.max_power_kw)


def _heats(zone: HvacZone, air_celsius: float, middle_celsius: float) -> bool:
    if zone.cooling is None or zone.heating is None:
        return zone.heating is not None
    return air_celsius < middle_celsius


def _machine(recorder: Recorder, index: int, pump: HeatPump | None, asked_kw: float) -> float:
    if abs(asked_kw) < 1e-12:
        return 0.0
    if pump is None:
        recorder.power(index, "no_machine", asked_kw, 0.0)
        return 0.0
    done, name = step_power(asked_kw, pump.max_power_kw, pump.min_power_kw)
    recorder.power(index, name, asked_kw, done)
    return done


def _cop(pump: HeatPump | None, outdoor: Floats) -> float:
    return 0.0 if pump is None else float(pump.cop_ratios(outdoor)[0])


def simulate_thermal_tank(
    asset: Asset, tank: ThermalTank, schedule: AssetSchedule | None, horizon: Horizon
) -> Outcome:
    """Run a tank; without a schedule its thermostat keeps it at its least temperature.

    With one it ends heating at the top.
    """
    recorder, step = Recorder(asset, horizon), tank_step(tank, horizon.hours)
    asked = [None] * horizon.count if schedule is None else schedule.powers_kw.tolist()
    top = np.maximum(tank.max_temperature_celsius, free_temperatures(tank, horizon.hours))
    cop, heater = tank.cop_ratios, tank.heater
    temperatures, powers = np.empty(horizon.count + 1), zeros(horizon)
    temperatures[0] = tank.initial_temperature_celsius
    for index, told_kw in enumerate(asked):
        cold = step.a * float(temperatures[index]) + step.ambient
        cold -= step.b_heat * float(tank.draw_heats_kw[index])
        fitting = max(0.0, (float(top[index]) - cold) / (step.b_heat * float(cop[index])))
        missing_kw = (tank.min_temperature_celsius - cold) / step.b_heat
        asked_kw = _kept(heater, missing_kw, float(cop[index])) if told_kw is None else told_kw
        done, name = fitted_power(
            asked_kw, heater.max_power_kw, heater.min_power_kw, fitting, "max_temperature"
        )
        recorder.power(index, name, asked_kw, done)
        powers[index] = done
        temperatures[index + 1] = cold + step.b_heat * float(cop[index]) * done
    return recorder.outcome(
        AssetPlan(name=asset.name, powers_kw=powers, temperatures_celsius=temperatures)
    )
