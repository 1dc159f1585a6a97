"""Generation, generators and batteries."""

import itertools
from datetime import timedelta

from numpy.random import Generator as Random

from tests.truth.optimizer.home import Case, Home, random_home
from tests.truth.optimizer.programme import INFINITY, Programme, Terms
from wattmesh_optimizer.domain.electrical import Generator, RenewableSource
from wattmesh_optimizer.domain.storage import Battery, SocPowerLimit


def renewable(random: Random) -> Case:
    """A plant that may be curtailed, at a price of its own or none, behind an export limit."""
    home = random_home(random)
    add_plant(random, home)
    home.connect()
    return home.case()


def add_plant(random: Random, home: Home) -> None:
    """Add a plant: curtailed power is a decision."""
    sun = random.uniform(0, 8, home.count) * (random.random(home.count) < 0.7)
    price = float(random.choice([0.0, 0.0, 0.05]))
    home.fixed_kw -= sun
    for k in range(home.count):
        curtailed = home.programme.column(price * home.hours, upper=float(sun[k]))
        home.inflow[k].append((curtailed, 1.0))
    home.add("pv", RenewableSource(powers_kw=-sun, curtailment_price_per_kwh=price))


def battery(random: Random) -> Case:
    """A battery with losses, wear, least powers, and a state that is wanted at the end."""
    home = random_home(random)
    if random.random() < 0.5:
        add_plant(random, home)
    add_battery(random, home, least=random.random() < 0.4)
    home.connect()
    return home.case()


def battery_by_charge(random: Random) -> Case:
    """A battery whose powers fall as it fills and empties."""
    home = random_home(random)
    add_battery(random, home, by_charge=True)
    home.connect()
    return home.case()


def add_battery(
    random: Random, home: Home, *, least: bool = False, by_charge: bool = False
) -> None:
    """Add a battery: energies at the ends of intervals, powers between them."""
    capacity, most = float(random.uniform(2, 12)), float(random.uniform(1, 6))
    leak = float(random.choice([0.0, 0.0, 0.01]))
    kind = Battery(
        capacity_kwh=capacity,
        max_charge_power_kw=most,
        max_discharge_power_kw=most,
        initial_soc_ratio=float(random.uniform(0.2, 0.9)),
        min_soc_ratio=0.0 if leak else 0.1,
        charge_efficiency_ratio=float(random.uniform(0.85, 1.0)),
        discharge_efficiency_ratio=float(random.uniform(0.85, 1.0)),
        self_discharge_ratio_per_hour=leak,
        terminal_value_per_kwh=float(random.choice([0.0, 0.1, 0.2])),
        final_soc_ratio=float(random.uniform(0.1, 0.9)) if random.random() < 0.4 else None,
        wear_cost_per_kwh=float(random.choice([0.0, 0.01])),
        min_charge_power_kw=most / 3 if least else 0.0,
        min_discharge_power_kw=most / 4 if least else 0.0,
        soc_power_limits=_falling(most) if by_charge else (),
    )
    home.add("battery", kind)
    _state_battery(home, kind)


def _falling(most: float) -> tuple[SocPowerLimit, ...]:
    points = ((0.0, most, most / 4), (0.3, most, most), (0.8, most, most), (1.0, most / 5, most))
    return tuple(
        SocPowerLimit(soc_ratio=soc, max_charge_power_kw=into, max_discharge_power_kw=out)
        for soc, into, out in points
    )


def _state_battery(home: Home, kind: Battery) -> None:
    of, hours, most = home.programme, home.hours, kind.max_charge_power_kw
    weight = _weight_of_moving(home, kind)
    assert kind.initial_soc_ratio is not None
    first = kind.initial_soc_ratio * kind.capacity_kwh
    kept, before = (1.0 - kind.self_discharge_ratio_per_hour) ** hours, -1
    for k in range(home.count):
        into = of.column(kind.wear_cost_per_kwh * hours, upper=most, weight=weight)
        out = of.column(kind.wear_cost_per_kwh * hours, upper=most, weight=weight)
        held = of.column(
            lower=kind.min_soc_ratio * kind.capacity_kwh,
            upper=kind.max_soc_ratio * kind.capacity_kwh,
        )
        of.either(into, most, out, most)
        for column, least in (
            (into, kind.min_charge_power_kw),
            (out, kind.min_discharge_power_kw),
        ):
            if least:
                of.nothing_or(column, least, most)
        terms: Terms = [
            (held, 1.0),
            (into, -kind.charge_efficiency_ratio * hours),
            (out, hours / kind.discharge_efficiency_ratio),
        ]
        if before >= 0:
            terms.append((before, -kept))
        of.row(terms, *([kept * first] * 2 if before < 0 else [0.0, 0.0]))
        if kind.soc_power_limits:
            _limit_by_charge(home, kind, (into, out), (before, held), first)
        home.inflow[k] += [(into, 1.0), (out, -1.0)]
        before = held
    of.constant += kind.terminal_value_per_kwh * first
    worth = of.column(-kind.terminal_value_per_kwh, lower=-INFINITY)
    of.row([(worth, 1.0), (before, -1.0)], 0.0, 0.0)
    if kind.final_soc_ratio is not None:
        missed = of.column(kind.final_soc_price_per_kwh)
        of.row([(before, 1.0), (missed, 1.0)], lower=kind.final_soc_ratio * kind.capacity_kwh)


def _weight_of_moving(home: Home, kind: Battery) -> float:
    """Return what a kW in an interval weighs where changes of power have a price.

    To lose a kW by charging and discharging at once takes c = 1 / (1 - eta) and eta c, eta being
    the round trip, and saves two changes at most; so much must they weigh that it never pays.
    """
    trip = kind.charge_efficiency_ratio * kind.discharge_efficiency_ratio
    weight = 1.01 * 2.0 * home.ramp_price_per_kw * (1.0 - trip) / (1.0 + trip)
    if weight:
        home.weights_per_kw[f"{home.name}/assets/battery"] = weight
    return weight


def _limit_by_charge(
    home: Home, kind: Battery, powers: tuple[int, int], stored: tuple[int, int], first: float
) -> None:
    """Hold powers below the line between two points at both ends of an interval."""
    points = kind.soc_power_limits
    for low, high in itertools.pairwise(points):
        for column, edges in (
            (powers[0], (low.max_charge_power_kw, high.max_charge_power_kw)),
            (powers[1], (low.max_discharge_power_kw, high.max_discharge_power_kw)),
        ):
            slope = (edges[1] - edges[0]) / (high.soc_ratio - low.soc_ratio) / kind.capacity_kwh
            at_zero = edges[0] - slope * low.soc_ratio * kind.capacity_kwh
            for end in stored:
                if end < 0:
                    home.programme.row([(column, 1.0)], upper=at_zero + slope * first)
                else:
                    home.programme.row([(column, 1.0), (end, -slope)], upper=at_zero)


def generator(random: Random) -> Case:
    """A generator set with a least load, times on and off, and costs of starting and running."""
    home = random_home(random)
    of = home.programme
    most = float(random.uniform(2, 6))
    least, start, running = 0.4 * most, float(random.uniform(0, 0.5)), float(random.uniform(0, 0.2))
    up, down = (int(random.integers(1, 4)) for _ in range(2))
    fuel = float(random.uniform(0.05, 0.4))
    ons = on_and_off(of, home.count, up, down, start, running * home.hours)
    for k, on in enumerate(ons):
        power = of.column(fuel * home.hours, upper=most)
        of.row([(power, 1.0), (on, -most)], upper=0.0)
        of.row([(power, 1.0), (on, -least)], lower=0.0)
        home.inflow[k].append((power, -1.0))
    step = timedelta(hours=home.hours)
    home.add(
        "generator",
        Generator(
            max_output_power_kw=most,
            min_output_power_kw=least,
            start_cost=start,
            fuel_cost_per_kwh=fuel,
            running_cost_per_hour=running,
            min_up_duration=up * step,
            min_down_duration=down * step,
        ),
    )
    home.connect()
    return home.case()


def on_and_off(
    of: Programme, count: int, up: int, down: int, start_cost: float, running_cost: float
) -> list[int]:
    """Return choices of being on, after a long time off: each start and stop is kept to."""
    ons = [of.binary(running_cost) for _ in range(count)]
    for k in range(count):
        starts = of.column(start_cost, upper=1.0)
        before: Terms = [(ons[k - 1], -1.0)] if k else []
        of.row([(ons[k], 1.0), *before, (starts, -1.0)], upper=0.0)
        for later in range(k + 1, min(k + up, count)):  # on[k] - on[k-1] <= on[later]
            of.row([(ons[k], 1.0), *before, (ons[later], -1.0)], upper=0.0)
        for later in range(k + 1, min(k + down, count)) if k else ():
            # on[k-1] - on[k] <= 1 - on[later]
            of.row([(ons[k - 1], 1.0), (ons[k], -1.0), (ons[later], 1.0)], upper=1.0)
    return ons
