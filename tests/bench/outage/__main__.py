"""Outages at random over a year of the street's homes, as JSON: `make bench-outage`.

For each, the thirty hours before are played with each way to run the battery, with plans made anew
every hour from what was known then; then the grid goes, and the critical load is served by sun and
battery alone. What readiness costs is the difference of the bills over these hours, with what is
left in the battery at the least price, for a year.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.outage.home import CRITICAL_RATIO, DAY, PAST_DAYS, Home
from tests.bench.outage.ways import CAPACITY_KWH, Battery, Planned, Way, kept_full
from wattmesh_kernel.sites import Microgrid

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / ".wattmesh/data/citylearn/citylearn/data/citylearn_challenge_2022_phase_all"
BEFORE, HOMES, LONGEST = 30, 5, 24
LEAST_PRICE = 0.21


@dataclass(frozen=True, slots=True)
class Outage:
    """When the grid goes, where, for how many hours."""

    home: int
    hour: int
    hours: int


def main() -> int:
    """Play them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outages", type=int, default=200)
    parser.add_argument("--hours", type=float, default=6.0, help="of readiness")
    parser.add_argument("--percentile", type=float, default=0.9)
    parser.add_argument("--price", type=float, default=1.0, help="of a kWh not ready, per hour")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    ready = Microgrid(
        readiness=timedelta(hours=options.hours),
        readiness_percentile_ratio=options.percentile,
        readiness_price_per_kwh=options.price,
    )
    outages = drawn(options.outages, options.seed)
    planned = Planned()
    ways: dict[str, tuple[Way, Microgrid | None, float]] = {
        "no_readiness": (planned, None, 0.5),
        "readiness": (planned, ready, 0.5),
        "kept_full": (kept_full, None, 1.0),
    }
    report = {name: play(outages, *way) for name, way in ways.items()}
    base = report["no_readiness"]["cost_per_home_and_year"]
    for each in report.values():
        each["costs_more_per_home_and_year"] = round(each["cost_per_home_and_year"] - base, 2)
    said = {
        "outages": len(outages),
        "mean_outage_hours": float(np.mean([each.hours for each in outages])),
        "critical_ratio": CRITICAL_RATIO,
        "readiness_hours": options.hours,
        "percentile": options.percentile,
        "ways": report,
        "plans": planned.plans,
        "cpu_ms_per_plan": round(1e3 * planned.cpu_s / max(planned.plans, 1), 2),
    }
    json.dump(said, sys.stdout, indent=2)
    print()
    return 0 if report["readiness"]["served_ratio"] >= report["no_readiness"]["served_ratio"] else 1


def drawn(count: int, seed: int) -> list[Outage]:
    """Return outages: any home, any hour of the year that has four weeks before it, 1 to 24 h."""
    random = np.random.default_rng(seed)
    first, last = PAST_DAYS * DAY + BEFORE, 365 * DAY - LONGEST - 2
    return [
        Outage(
            home=int(random.integers(1, HOMES + 1)),
            hour=int(random.integers(first, last)),
            hours=int(np.clip(round(random.lognormal(1.5, 0.8)), 1, LONGEST)),
        )
        for _ in range(count)
    ]


def play(
    outages: list[Outage], way: Way, microgrid: Microgrid | None, soc: float
) -> dict[str, Any]:
    """Return what was served in all outages, and what the hours before cost."""
    homes = {number: Home(DATA, number, microgrid) for number in range(1, HOMES + 1)}
    served, wanted, whole, cost = 0.0, 0.0, 0, 0.0
    for each in outages:
        home, battery = homes[each.home], Battery(soc * CAPACITY_KWH)
        cost += _before(home, each.hour, battery, way)
        hours = _without_grid(home, each, battery)
        served, wanted, whole = served + hours, wanted + each.hours, whole + (hours >= each.hours)
    return {
        "critical_hours_wanted": wanted,
        "critical_hours_served": round(served, 1),
        "served_ratio": round(served / wanted, 4),
        "outages_wholly_served_ratio": round(whole / len(outages), 4),
        "cost_per_home_and_year": round(cost / len(outages) / BEFORE * 24 * 365, 2),
    }


def _before(home: Home, hour: int, battery: Battery, way: Way) -> float:
    """Play the hours before; return their bill, less what more the battery holds."""
    held, cost = battery.stored_kwh, 0.0
    for now in range(hour - BEFORE, hour):
        power_kw = battery.take(way(home, now, battery))
        net_kw = home.load_kw[now] - home.pv_kw[now] + power_kw
        cost += max(net_kw, 0.0) * float(home.prices(now, 1)[0])
    return cost - LEAST_PRICE * (battery.stored_kwh - held)


def _without_grid(home: Home, outage: Outage, battery: Battery) -> float:
    """Return for how many hours the critical load was served: the part of an hour counts."""
    served = 0.0
    for now in range(outage.hour, outage.hour + outage.hours):
        critical_kw = CRITICAL_RATIO * home.load_kw[now]
        lacks_kw = critical_kw - home.pv_kw[now]
        given_kw = -battery.take(-lacks_kw)
        lacks_kw = max(lacks_kw - given_kw, 0.0) if lacks_kw > 0 else 0.0
        served += 1.0 - lacks_kw / critical_kw if critical_kw > 0 else 1.0
    return served


if __name__ == "__main__":
    raise SystemExit(main())
