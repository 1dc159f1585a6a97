"""`python -m tests.bench.ev.street FOLDER`: the vehicles of the street, by session, as JSON.

The wallboxes of two homes and the six charge points of an office behind its transformer, over some
days, planned as in the local mesh: every hour ahead, and anew when a vehicle comes. The product
knows what charge points report every quarter of an hour and what some drivers declare, no more.
Beside it vehicles are charged at once, with and without the transformer.

--days N        days from the start on
--start DATE    first local day
--each          every session that misses something, with what was known of it
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from tests.bench.ev.street_plans import StreetPlanner
from tests.bench.ev.street_world import at_once, read_places


def main() -> int:
    """Play the days; 0 when the product leaves no more than what charging at once leaves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", type=date.fromisoformat, default=date(2017, 7, 4))
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--each", action="store_true")
    options = parser.parse_args()
    began = time.process_time()
    places, tariff, zone = read_places(options.folder, options.start, options.days)
    report: dict[str, Any] = {"start": options.start.isoformat(), "days": options.days}
    told, every = defaultdict[str, float](float), list[dict[str, Any]]()
    for place in places:
        planner = StreetPlanner(place, tariff, zone)
        found = {
            "product": planner.play(),
            "at_once": at_once(place, limited=False),
            "at_once_within_limits": at_once(place, limited=True),
        }
        told["wanted_kwh"] += sum(each.visit.wanted_wh for each in found["at_once"]) / 1000
        told["sessions"] += len(found["at_once"])
        for name, taken in found.items():
            told[f"{name}_missed_kwh"] += sum(each.missed_wh for each in taken) / 1000
            told[f"{name}_cost"] += sum(planner.cost(each) for each in taken)
        told["overloads"] += planner.overloads
        told["plans"] += planner.plans
        for one, other in zip(found["product"], found["at_once_within_limits"], strict=True):
            if one.missed_wh > 50 or other.missed_wh > 50:
                every.append({**planner.told(one), "at_once_missed_wh": round(other.missed_wh)})
    report |= {name: round(value, 2) for name, value in told.items()}
    report["cpu_s"] = round(time.process_time() - began, 1)
    if options.each:
        report["missing"] = every
    json.dump(report, sys.stdout, indent=1)
    print()
    least = told["at_once_within_limits_missed_kwh"]
    return 0 if told["product_missed_kwh"] <= least and not told["overloads"] else 1


if __name__ == "__main__":
    sys.exit(main())
