"""Demand charges, tiers, carbon, and several sites seen as one; each with batteries to move."""

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.random import Generator as Random

from tests.truth.optimizer.electrical import add_battery, add_plant
from tests.truth.optimizer.home import LIMIT_PRICE, Case, Home, case_of, random_home
from tests.truth.optimizer.programme import Programme, Terms
from wattmesh_kernel.tariff import DemandCharge, EnergyRates, Tier, TieredRate
from wattmesh_optimizer.domain.problem import Goals, SiteGroup
from wattmesh_optimizer.domain.site import CarbonIntensity, PowerLimits


def demand_charge(random: Random) -> Case:
    """A price on the highest mean import of an interval."""
    home = random_home(random)
    add_battery(random, home)
    home.connect()
    price, floor = float(random.uniform(0.5, 12)), float(random.choice([0.0, 1.5]))
    billed = home.programme.column(price, lower=floor)
    for column in home.imports:
        home.programme.row([(billed, 1.0), (column, -1.0)], lower=0.0)
    charge = DemandCharge(
        id="peak",
        price_per_kw=price,
        averaging=timedelta(hours=home.hours),
        minimum_kw=floor,
    )
    return home.case(tariff=home.tariff(demand_charges=(charge,)))


def tiers(random: Random) -> Case:
    """A further price of each kWh by how many were bought: rising, or falling."""
    home = random_home(random)
    add_battery(random, home)
    home.connect()
    of, edges = home.programme, [0.0, *np.sort(random.uniform(0.5, 12, 2)).tolist()]
    prices = random.uniform(0.0, 0.3, 3).tolist()
    bought: Terms = [(column, home.hours) for column in home.imports]
    parts = []
    for number, price in enumerate(prices):
        width = edges[number + 1] - edges[number] if number < 2 else 1e4
        parts.append((of.column(price, upper=width), width))
    of.row([*bought, *((part, -1.0) for part, _ in parts)], 0.0, 0.0)
    for (part, width), (after, most) in itertools.pairwise(parts):
        full = of.binary()
        of.row([(part, 1.0), (full, -width)], lower=0.0)
        of.row([(after, 1.0), (full, -most)], upper=0.0)
    rate = TieredRate(
        id="steps",
        tiers=tuple(
            Tier(price_per_kwh=price, from_kwh=edge)
            for price, edge in zip(prices, edges, strict=True)
        ),
    )
    plain = home.tariff()
    imports = EnergyRates(real_time=plain.import_rates.real_time, tiered_rates=(rate,))
    return home.case(tariff=replace(plain, import_rates=imports))


def carbon(random: Random) -> Case:
    """A price of what imports emit, by the average intensity."""
    home = random_home(random)
    add_battery(random, home)
    grams, price = random.uniform(50, 600, home.count), float(random.uniform(0.05, 1.0))
    home.connect()
    for k, column in enumerate(home.imports):
        cost = home.programme.column(price * grams[k] / 1000.0 * home.hours)
        home.programme.row([(cost, 1.0), (column, -1.0)], lower=0.0)
    intensity = CarbonIntensity(average_gco2e_per_kwh=grams)
    goals = Goals(carbon_price_per_kg=price)
    return case_of([home], sites=(home.site(carbon=intensity),), goals=goals)


def group(random: Random) -> Case:
    """Two homes under a limit, with prices on their summed peak and its changes."""
    ramp = float(random.choice([0.0, 0.05]))
    homes = _neighbours(random, ramp_price_per_kw=ramp)
    of = homes[0].programme
    for home in homes:
        home.connect()
    limit, peak_price = float(random.uniform(1, 8)), float(random.choice([0.0, 2.0]))
    so_far = float(random.choice([0.0, 2.0]))
    peak = of.column(peak_price, lower=so_far)
    of.constant -= peak_price * so_far
    for k in range(homes[0].count):
        net = [term for home in homes for term in home.net(k)]
        beyond = of.column(LIMIT_PRICE * homes[0].hours)
        of.row([*net, (beyond, -1.0)], upper=limit)
        of.row([(peak, 1.0), *((column, -factor) for column, factor in net)], lower=0.0)
        if k:
            _price_change(of, net, [term for home in homes for term in home.net(k - 1)], ramp)
    sites_group = SiteGroup(
        name="groups/street",
        site_names=tuple(home.name for home in homes),
        limits=PowerLimits(max_import_power_kw=limit),
        peak_price_per_kw=peak_price,
        peak_so_far_kw=so_far,
        ramp_price_per_kw=ramp,
    )
    return case_of(homes, groups=(sites_group,))


def _price_change(of: Programme, now: Terms, before: Terms, price: float) -> None:
    change = of.column(price)
    for sign in (1.0, -1.0):
        of.row(
            [
                (change, 1.0),
                *((column, -sign * factor) for column, factor in now),
                *((column, sign * factor) for column, factor in before),
            ],
            lower=0.0,
        )


def netted_group(random: Random) -> Case:
    """Two homes that are billed for what they exchange together."""
    homes = _neighbours(random)
    of, first = homes[0].programme, homes[0]
    for home in homes:
        home.connect(billed=False)
    for k in range(first.count):
        bought, sold = (
            of.column(first.buy[k] * first.hours),
            of.column(-first.sell[k] * first.hours),
        )
        of.either(bought, 100.0, sold, 100.0)
        net = [term for home in homes for term in home.net(k)]
        of.row([*net, (bought, -1.0), (sold, 1.0)], 0.0, 0.0)
    sites_group = SiteGroup(
        name="groups/street",
        site_names=tuple(home.name for home in homes),
        ramp_price_per_kw=0.0,
        netted_billing=True,
    )
    return case_of(homes, groups=(sites_group,))


def _neighbours(random: Random, *, ramp_price_per_kw: float = 0.0) -> list[Home]:
    """Return two homes with a battery each, at the same prices.

    One has a plant, unless changes of power have a price: no sun is thrown away to flatten.
    """
    first = random_home(random, name="sites/one", limited=False)
    second = random_home(
        random,
        first.programme,
        name="sites/two",
        count=first.count,
        hours=first.hours,
        limited=False,
    )
    second.buy, second.sell = first.buy, first.sell
    if not ramp_price_per_kw:
        add_plant(random, second)
    for home in (first, second):
        home.ramp_price_per_kw = ramp_price_per_kw
        add_battery(random, home)
    return [first, second]
