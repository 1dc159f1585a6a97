"""`make bench-office`: two weeks of an office in EnergyPlus, in summer and in winter, as JSON.

The DOE's small office (ASHRAE 90.1-2019, Denver) with five zones, each with a heat pump of its own;
price 0.40 on workdays from 12 to 18 h, else 0.12. Its own schedule, a rule by price, and the
product, which hears what meters and sensors show and nothing else.

--season NAME   one only
--days N        how many days are judged
--peak-price P  what the owner lets a kilowatt of the day's highest import count
"""

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.bench.hvac.office.building import JUDGED_DAYS, LEARNT_DAYS, SEASONS, ZONES, Season
from tests.bench.hvac.office.environment import PER_DAY, Metered, play
from tests.bench.hvac.office.product import Product
from tests.bench.hvac.office.rules import ByPrice, Schedule
from wattmesh_kernel.sites import PlanningGoals

WAYS = ("schedule", "price_rule", "product")


def main() -> None:
    """Play every season once a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--season", choices=SEASONS)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--days", type=int, default=JUDGED_DAYS)
    parser.add_argument("--peak-price", type=float, default=0.3)
    asked = parser.parse_args()
    goals = PlanningGoals(site_peak_price_per_kw=asked.peak_price)
    for name in [asked.season] if asked.season else SEASONS:
        for way in [asked.way] if asked.way else WAYS:
            print(
                json.dumps({name: {way: _played(SEASONS[name], way, goals, asked.days)}}),
                flush=True,
            )


def _played(season: Season, way: str, goals: PlanningGoals, days: int) -> dict[str, Any]:
    if way != "product":
        decide = Schedule() if way == "schedule" else ByPrice(season)
        return judged(season, play(season, decide, days))
    product = Product(season, goals)
    came = judged(season, play(season, product, days))
    came["plans"] = product.plans
    came["plan_cpu_ms"] = round(1e3 * product.cpu_s / product.plans, 1)
    came["identified"] = product.said
    return came


def judged(season: Season, metered: Sequence[Metered]) -> dict[str, Any]:
    """Return what the judged two weeks came to."""
    cost = energy_kwh = hvac_kwh = peak_kw = 0.0
    outside = np.zeros(len(ZONES))
    last = metered[LEARNT_DAYS * PER_DAY :]
    for each in last:
        kwh = each.facility_w / 4e3
        energy_kwh += kwh
        hvac_kwh += (sum(each.heating_w) + sum(each.cooling_w)) / 4e3
        cost += kwh * season.price_per_kwh(each.start)
        peak_kw = max(peak_kw, each.facility_w / 1e3)
        if season.occupied(each.start):
            air = np.array(each.temperature_celsius)
            outside += np.maximum(np.maximum(20.0 - air, air - 25.0), 0.0) / 4.0
    return {
        "cost": round(cost, 2),
        "peak_kw": round(peak_kw, 2),
        "kelvin_hours_outside_mean_zone": round(float(outside.mean()), 3),
        "kelvin_hours_outside_worst_zone": round(float(outside.max()), 3),
        "energy_kwh": round(energy_kwh, 1),
        "compressors_kwh": round(hvac_kwh, 1),
        "gas_kwh": round(sum(each.gas_wh for each in last) / 1e3, 1),
    }


if __name__ == "__main__":
    main()
