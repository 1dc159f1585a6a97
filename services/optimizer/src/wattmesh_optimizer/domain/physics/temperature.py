"""How temperatures follow heat: exact steps of the RC models for inputs constant over a step."""

from dataclasses import dataclass

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.thermal import HvacZone, ThermalTank


@dataclass(frozen=True, slots=True, eq=False)
class ZoneStep:
    """`x' = a x + b_outdoor T_out + b_heat Q` with x the air (and mass) temperature [degC].

    Shapes: `a` (m, m), `b_outdoor` and `b_heat` (m,), m = 1 or 2; Q in kW.
    """

    a: Floats
    b_outdoor: Floats
    b_heat: Floats

    @property
    def order(self) -> int:
        """1 or 2."""
        return len(self.b_heat)


def zone_step(zone: HvacZone, hours: float) -> ZoneStep:
    """Return a zone's step of `hours`.

    First order: a = exp(-h / RC), T' = a T + (1 - a) (T_out + R Q). With R 5 K/kW, C 2 kWh/K and
    10 h, a is 0.368: from 20 degC at 0 degC outside it is 7.4 degC after 10 h without heat.
    Second order: the matrix exponential of the two coupled equations.
    """
    capacity, resistance = zone.air_capacity_kwh_per_k, zone.air_outdoor_resistance_k_per_kw
    if zone.mass_capacity_kwh_per_k is None or zone.air_mass_resistance_k_per_kw is None:
        a = float(np.exp(-hours / (resistance * capacity)))
        return ZoneStep(np.array([[a]]), np.array([1.0 - a]), np.array([(1.0 - a) * resistance]))
    inner, mass = zone.air_mass_resistance_k_per_kw, zone.mass_capacity_kwh_per_k
    rate = np.array(
        [
            [-(1.0 / resistance + 1.0 / inner) / capacity, 1.0 / (inner * capacity)],
            [1.0 / (inner * mass), -1.0 / (inner * mass)],
        ]
    )
    inputs = np.array([[1.0 / (resistance * capacity), 1.0 / capacity], [0.0, 0.0]])
    values, vectors = np.linalg.eig(rate)
    step = np.real(vectors @ np.diag(np.exp(values * hours)) @ np.linalg.inv(vectors))
    effect = np.linalg.solve(rate, (step - np.eye(2)) @ inputs)
    return ZoneStep(step, effect[:, 0], effect[:, 1])


@dataclass(frozen=True, slots=True)
class TankStep:
    """`T' = a T + ambient + b_heat Q` [degC], Q the net heat [kW]."""

    a: float
    ambient: float
    b_heat: float


def tank_step(tank: ThermalTank, hours: float) -> TankStep:
    """Return a tank's step of `hours`: exact for heat that is constant over it.

    Without loss T' = T + Q h / C: 2 kW for 0.5 h into 0.25 kWh/K warm it by 4 K.
    """
    capacity, loss = tank.capacity_kwh_per_k, tank.loss_kw_per_k
    if loss == 0:
        return TankStep(1.0, 0.0, hours / capacity)
    a = float(np.exp(-hours * loss / capacity))
    return TankStep(a, (1.0 - a) * tank.ambient_temperature_celsius, (1.0 - a) / loss)


def free_temperatures(tank: ThermalTank, hours: float) -> Floats:
    """Return the tank's temperature at each interval's end with its heater off [degC]."""
    step = tank_step(tank, hours)
    temperature, ends = tank.initial_temperature_celsius, np.empty(len(tank.draw_heats_kw))
    for index, draw in enumerate(tank.draw_heats_kw.tolist()):
        temperature = step.a * temperature + step.ambient - step.b_heat * draw
        ends[index] = temperature
    return ends
