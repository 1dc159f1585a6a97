"""`python -m tests.bench.ev DATA`: a workplace's week of charging sessions, as JSON.

200 measured sessions at 20 charge points behind 60 kW, one tariff, nothing known before a vehicle
arrives. The product against earliest deadline first and least laxity first, which are told the
true departures, and against the least cost with everything known from the start.

--week DATE     Monday of the week
--tariff NAME   file in DATA/tariffs, without `.json`
--sessions N    at most so many
--only NAME     of the product's ways one alone
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tests.bench.ev.offline import offline_bound
from tests.bench.ev.place import CHARGERS, LIMIT_W
from tests.bench.ev.product import Product, past_stay
from tests.bench.ev.rules import InOrder, deadline, laxity
from tests.bench.ev.sessions import Visit, read_visits, week_of
from tests.bench.ev.simulate import Outcome, simulate
from tests.bench.ev.tariff import read_tariff
from wattmesh_kernel.tariff import Tariff

GOAL_DELIVERED_RATIO = 0.995
GOAL_FULL_RATIO = 0.99
GOAL_WAY_RATIO = 0.5
WAYS: dict[str, dict[str, bool]] = {
    "product": {},
    "product_without_requests": {"asks": False},
    "product_that_believes_drivers": {"believes": True},
}


def main() -> int:
    """Play the week; 0 when the product keeps its bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--week", type=date.fromisoformat, default=date(2015, 9, 21))
    parser.add_argument("--tariff", default="sce_tou_ev_4_march_2019")
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--only", choices=WAYS)
    options = parser.parse_args()
    visits = read_visits(options.data)
    week = week_of(visits, options.week, CHARGERS, options.sessions)
    tariff = read_tariff(options.data, options.tariff)
    ways = [options.only] if options.only else list(WAYS)
    report = measure(visits, week, tariff, ways)
    json.dump({"week": options.week.isoformat(), **report}, sys.stdout, indent=2)
    print()
    return 0 if all(report[way]["within_bounds"] for way in ways[:1]) else 1


def measure(
    visits: Sequence[Visit], week: Sequence[Visit], tariff: Tariff, ways: Sequence[str]
) -> dict[str, Any]:
    """Return what each controller made of the week."""
    bound, undeliverable_kwh = offline_bound(week, tariff)
    rules = {"earliest_deadline_first": deadline, "least_laxity_first": laxity}
    played = {name: simulate(week, tariff, InOrder(order)) for name, order in rules.items()}
    simple = played["least_laxity_first"].cost
    report: dict[str, Any] = {
        "tariff": tariff.id.name,
        "sessions": len(week),
        "charge_points": CHARGERS,
        "limit_kw": LIMIT_W / 1000,
        "offline_bound": {
            "cost": round(bound, 2),
            "undeliverable_kwh": round(undeliverable_kwh, 2),
        },
        **{name: _told(outcome, simple, bound) for name, outcome in played.items()},
    }
    for way in ways:
        report[way] = _product(visits, week, tariff, WAYS[way], (simple, bound))
    return report


def _product(
    visits: Sequence[Visit],
    week: Sequence[Visit],
    tariff: Tariff,
    way: dict[str, bool],
    edges: tuple[float, float],
) -> dict[str, Any]:
    asks = way.get("asks", True)
    before = [past_stay(each, asks) for each in visits if each.departure < week[0].arrival]
    product = Product(tariff=tariff, past=before, **way)
    began = time.process_time()
    told = _told(simulate(week, tariff, product), *edges)
    times = sorted(product.times_ms)
    return {
        **told,
        "plans": len(times),
        "plans_cut_off": product.cut_off,
        "cpu_ms_per_plan_p50": round(times[len(times) // 2], 1),
        "cpu_ms_per_plan_p99": round(times[int(len(times) * 0.99)], 1),
        "cpu_s": round(time.process_time() - began, 1),
    }


def _told(outcome: Outcome, simple: float, bound: float) -> dict[str, Any]:
    delivered = outcome.delivered_wh / outcome.asked_wh
    full = outcome.full / outcome.sessions
    way = (simple - outcome.cost) / (simple - bound) if simple > bound else 0.0
    return {
        "cost": round(outcome.cost, 2),
        "way_to_bound_ratio": round(way, 3),
        "delivered_ratio": round(delivered, 5),
        "full_ratio": round(full, 4),
        "overloads": outcome.overloads,
        "peak_kw": round(outcome.peak_w / 1000, 2),
        "missed_wh": outcome.missed_wh,
        "within_bounds": outcome.overloads == 0
        and delivered >= GOAL_DELIVERED_RATIO
        and full >= GOAL_FULL_RATIO
        and way >= GOAL_WAY_RATIO,
    }


if __name__ == "__main__":
    sys.exit(main())
