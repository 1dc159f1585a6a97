"""Vehicles at charge points: what they need, least currents, and giving energy back."""

from datetime import timedelta

from numpy.random import Generator as Random

from tests.truth.optimizer.home import START, Case, random_home
from tests.truth.optimizer.programme import Terms
from wattmesh_optimizer.domain.storage import EvCharger, EvSession

PHASES = 3
VOLTAGE_V = 230.0


def vehicle(random: Random) -> Case:
    """A vehicle that is charged: what it misses has a price, what fits in does not wait for it."""
    return _case(random, gives=False)


def vehicle_to_grid(random: Random) -> Case:
    """A vehicle that may give energy back, down to its least state of charge."""
    return _case(random, gives=True)


def _case(random: Random, *, gives: bool) -> Case:
    home = random_home(random)
    of, hours = home.programme, home.hours
    arrival = int(random.integers(0, home.count - 1))
    departure = int(random.integers(arrival + 1, home.count + 1))
    most_a, least_a = float(random.choice([10.0, 16.0])), float(random.choice([0.0, 6.0]))
    if gives:
        least_a = 0.0
    to_kw = PHASES * VOLTAGE_V / 1000.0
    into_ratio, out_ratio = float(random.uniform(0.88, 1.0)), float(random.uniform(0.88, 1.0))
    capacity, first = float(random.uniform(20, 60)), float(random.uniform(0.2, 0.9))
    target = float(random.uniform(0.1, 1.0))
    session = EvSession(
        id="ev",
        arrival=START + arrival * timedelta(hours=hours),
        departure=START + departure * timedelta(hours=hours),
        capacity_kwh=capacity,
        initial_soc_ratio=first,
        target_soc_ratio=target,
        min_soc_ratio=0.15 if gives else 0.0,
        terminal_value_per_kwh=0.0,
    )
    back_kw = 3.0 if gives else 0.0
    home.add(
        "ev",
        EvCharger(
            max_current_a=most_a,
            min_current_a=least_a,
            voltage_v=VOLTAGE_V,
            max_discharge_power_kw=back_kw,
            charge_efficiency_ratio=into_ratio,
            discharge_efficiency_ratio=out_ratio,
            sessions=(session,),
        ),
    )
    before, stored = -1, first * capacity
    for k in range(arrival, departure):
        into, out = of.column(upper=most_a * to_kw), of.column(upper=back_kw)
        if least_a:
            of.nothing_or(into, least_a * to_kw, most_a * to_kw)
        if gives:
            of.either(into, most_a * to_kw, out, back_kw)
        held = of.column(lower=session.min_soc_ratio * capacity if gives else 0.0, upper=capacity)
        terms: Terms = [(held, 1.0), (into, -into_ratio * hours), (out, hours / out_ratio)]
        if before >= 0:
            terms.append((before, -1.0))
        of.row(terms, *([stored] * 2 if before < 0 else [0.0, 0.0]))
        home.inflow[k] += [(into, 1.0), (out, -1.0)]
        before = held
    wanted = target * capacity
    if not gives:
        wanted = max(wanted, stored)
    missed = of.column(session.shortfall_price_per_kwh)
    of.row([(before, 1.0), (missed, 1.0)], lower=wanted)
    home.connect()
    return home.case()
