"""What homes promise of paid reductions, and what they deliver, as JSON: `make bench-promises`.

Seventeen metered homes, each by itself, evening by evening: called four hours ahead, planned each
hour from what was known then, followed by the gateway's loop. The days are the first week of the
demo, the public holidays of the year, and days apart by as many as `--every` says.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.citylearn.homes import HOUR, start_of
from tests.bench.promises.evening import AHEAD_OF, BEGINS, LASTS, Evening, Played
from tests.bench.promises.home import PEAK_KW, Expected, Home
from wattmesh_local.watching.daily_events import Delivery, tally

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / ".wattmesh/data/citylearn/citylearn/data/citylearn_challenge_2022_phase_all"
WEEK = range(35, 42)
HOLIDAYS = (70, 102, 115, 147, 154, 168, 203, 301, 337)
"""Columbus Day to Independence Day, by days since the first one; Labor Day begins the week."""
_FIRST, _LAST = 47, 340


def main() -> int:
    """Play all days; status 1 when less than 98 % of what was promised came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=16, help="days from one to the next")
    parser.add_argument("--homes", type=int, default=len(PEAK_KW))
    options = parser.parse_args()
    homes = [Home(DATA, number) for number in range(1, options.homes + 1)]
    days = {
        "week": WEEK,
        "holidays": HOLIDAYS,
        "year": range(_FIRST, _LAST, options.every),
    }
    expected, played = Expected(homes), Played()
    report = {
        name: told(list(_evenings(homes, each, expected, played))) for name, each in days.items()
    }
    json.dump({"homes": len(homes), "plans": played.plans, **report}, sys.stdout, indent=2)
    print()
    return 0 if all(each["delivered_share"] >= 0.98 for each in report.values()) else 1


def _evenings(
    homes: Sequence[Home], days: Iterable[int], expected: Expected, played: Played
) -> Iterable[Evening]:
    for day in days:
        first = (start_of(day * 24 + BEGINS) - start_of(0)) // HOUR - AHEAD_OF
        forecasts = [expected.at(first + number) for number in range(AHEAD_OF + LASTS)]
        for number, home in enumerate(homes):
            found = played(home, day, first, [each[number] for each in forecasts])
            if found is not None:
                yield found


def told(evenings: Sequence[Evening]) -> dict[str, Any]:
    """Return what was promised and came of some evenings, as a run of the demo tells it."""
    hours = [(each.promised_w, np.array(each.delivered_w)) for each in evenings]
    found = [
        Delivery(
            committed_kwh=float(promised_w.sum()) / 1e3,
            delivered_kwh=float(delivered_w.sum()) / 1e3,
            payment=0.0,
            site=f"home-{each.home}",
        )
        for each, (promised_w, delivered_w) in zip(evenings, hours, strict=True)
    ]
    promised = sum(float(each.sum()) for each, _ in hours)
    kept = sum(float(np.clip(came, 0.0, said).sum()) for said, came in hours)
    without = {"paid", "expected_cost", "missing_intervals"}
    return {
        "evenings": len(found),
        "promising": sum(each.committed_kwh > 0 for each in found),
        **{key: each for key, each in tally(found).items() if key not in without},
        "delivered_share_by_hour": round(kept / promised, 4) if promised else None,
    }


if __name__ == "__main__":
    raise SystemExit(main())
