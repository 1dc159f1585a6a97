"""Zones of first and second order, and tanks."""

import numpy as np
from numpy.random import Generator as Random
from scipy.linalg import expm

from tests.truth.optimizer.home import Case, Floats, Home, random_home
from tests.truth.optimizer.programme import INFINITY, Terms
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone, ThermalTank

COP = ((-10.0, 2.0), (10.0, 4.0))


def zone(random: Random) -> Case:
    """A zone with a heat pump and, in some, cooling; comfort has a price."""
    home = random_home(random)
    count, hours = home.count, home.hours
    air, wall = float(random.uniform(0.3, 3)), float(random.uniform(3, 10))
    mass, between = float(random.uniform(2, 10)), float(random.uniform(0.5, 2))
    second = random.random() < 0.5
    outdoor, gains = random.uniform(-10, 32, count), random.uniform(0, 1, count)
    most, price = float(random.uniform(0.5, 4)), float(random.uniform(0.2, 2))
    least = most / 4 if random.random() < 0.3 else 0.0
    pump = HeatPump(max_power_kw=most, cop_points=COP, min_power_kw=least)
    cooler = HeatPump(max_power_kw=most, cop_points=((20.0, 3.0),))
    cools, first = random.random() < 0.5, float(random.uniform(16, 25))
    home.add(
        "zone",
        HvacZone(
            air_capacity_kwh_per_k=air,
            air_outdoor_resistance_k_per_kw=wall,
            mass_capacity_kwh_per_k=mass if second else None,
            air_mass_resistance_k_per_kw=between if second else None,
            initial_air_temperature_celsius=first,
            initial_mass_temperature_celsius=first if second else None,
            outdoor_temperatures_celsius=outdoor,
            heat_gains_kw=gains,
            heating=pump,
            cooling=cooler if cools else None,
            occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=23),
            discomfort_price_per_kelvin_hour=price,
        ),
    )
    a, b_outdoor, b_heat = _answer(air, wall, (mass, between) if second else None, hours)
    of, state, start = home.programme, [-1] * len(a), [first] * len(a)
    for k in range(count):
        heat = of.column(upper=most)
        cold = of.column(upper=most if cools else 0.0)
        of.either(heat, most, cold, most)  # one machine, or two that do not work against each other
        if least:
            of.nothing_or(heat, least, most)
        per_kw = float(np.interp(outdoor[k], [-10.0, 10.0], [2.0, 4.0]))
        after = [of.column(lower=-INFINITY) for _ in a]
        for i, column in enumerate(after):
            terms: Terms = [(column, 1.0), (heat, -b_heat[i] * per_kw), (cold, b_heat[i] * 3.0)]
            known = b_outdoor[i] * outdoor[k] + b_heat[i] * gains[k]
            for j, before in enumerate(state):
                if before < 0:
                    known += a[i, j] * start[j]
                else:
                    terms.append((before, -a[i, j]))
            of.row(terms, known, known)
        below, above = (of.column(price * hours) for _ in range(2))
        of.row([(after[0], 1.0), (below, 1.0)], lower=20.0)
        of.row([(after[0], 1.0), (above, -1.0)], upper=23.0)
        home.inflow[k] += [(heat, 1.0), (cold, 1.0)]
        state = after
    home.connect()
    return home.case()


def _answer(
    air: float, wall: float, mass: tuple[float, float] | None, hours: float
) -> tuple[Floats, Floats, Floats]:
    """Return how temperatures follow themselves, outdoors [K/K] and heat [K/kW] over a step."""
    rates, inputs = np.array([[-1 / (wall * air)]]), np.array([[1 / (wall * air), 1 / air]])
    if mass is not None:
        capacity, between = mass
        rates = np.array(
            [
                [-1 / (wall * air) - 1 / (between * air), 1 / (between * air)],
                [1 / (between * capacity), -1 / (between * capacity)],
            ]
        )
        inputs = np.vstack([inputs, np.zeros(2)])
    order = len(rates)
    both = np.zeros((order + 2, order + 2))
    both[:order, :order], both[:order, order:] = rates, inputs
    step = expm(both * hours)
    return step[:order, :order], step[:order, order], step[:order, order + 1]


def tank(random: Random) -> Case:
    """A mixed tank: never heated beyond its upper edge, colder than the lower one at a price."""
    home: Home = random_home(random)
    of, count, hours = home.programme, home.count, home.hours
    capacity, loss = float(random.uniform(0.1, 0.4)), float(random.choice([0.0, 0.003]))
    first, most = float(random.uniform(40, 58)), float(random.uniform(1, 4))
    draws = np.maximum(0.0, random.uniform(-3, 3, count))
    least = most / 3 if random.random() < 0.3 else 0.0
    home.add(
        "tank",
        ThermalTank(
            capacity_kwh_per_k=capacity,
            initial_temperature_celsius=first,
            min_temperature_celsius=45,
            max_temperature_celsius=60,
            heater=HeatPump(max_power_kw=most, cop_points=((0.0, 2.5),), min_power_kw=least),
            draw_heats_kw=draws,
            loss_kw_per_k=loss,
        ),
    )
    kept = float(np.exp(-loss * hours / capacity))
    per_kw = (1 - kept) / loss if loss else hours / capacity
    before = -1
    for k in range(count):
        power, after = of.column(upper=most), of.column(lower=-INFINITY, upper=60.0)
        if least:
            of.nothing_or(power, least, most)
        known = (1 - kept) * 20.0 - per_kw * draws[k]
        terms: Terms = [(after, 1.0), (power, -2.5 * per_kw)]
        if before < 0:
            known += kept * first
        else:
            terms.append((before, -kept))
        of.row(terms, known, known)
        below = of.column(2.0 * capacity * hours)
        of.row([(after, 1.0), (below, 1.0)], lower=45.0)
        home.inflow[k].append((power, 1.0))
        before = after
    home.connect()
    return home.case()
