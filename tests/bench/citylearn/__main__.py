"""`python -m tests.bench.citylearn`: the product judged by CityLearn's official score, as JSON.

The score is the mean of price, emission and grid cost against no control, and grid cost that of
ramping and load factor; lower is better.

--only NAME     one set of goals only
--every N       one week in N, each from an empty battery on: a sample in place of the year
"""

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.bench.citylearn.environment import play
from tests.bench.citylearn.forecasts import forecasts
from tests.bench.citylearn.goals import GOALS
from tests.bench.citylearn.homes import UserSettings
from tests.bench.citylearn.product import Product
from wattmesh_forecast.domain.hours import Floats

YEAR = range(8_760)
WEEK = 168
SETTLED = 3
"""The first week of a sample: forecasts need some history."""


def main() -> None:
    """Play the hours once for each set of goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=GOALS)
    parser.add_argument("--every", type=int)
    options = parser.parse_args()
    names = [options.only] if options.only else list(GOALS)
    parts = [YEAR] if options.every is None else _weeks(options.every)
    power_w, carbon = forecasts([hour for part in parts for hour in part])
    for name in names:
        print(json.dumps({name: _measure(GOALS[name], parts, power_w, carbon)}), flush=True)


def _weeks(every: int) -> list[range]:
    first = [week * WEEK for week in range(SETTLED, len(YEAR) // WEEK, every)]
    return [range(start, start + WEEK) for start in first]


def _measure(
    settings: UserSettings, parts: Sequence[range], power_w: Floats, carbon: Floats
) -> dict[str, Any]:
    product, began = Product(settings, power_w, carbon), time.process_time()
    played = [play(product, part) for part in parts]
    hours = sum(map(len, parts))
    ratios = {
        name: float(np.divide(*np.sum([costs[name] for costs in played], axis=0)))
        for name in ("price", "emission", "ramping", "load_factor")
    }
    grid = (ratios["ramping"] + ratios["load_factor"]) / 2
    score = (ratios["price"] + ratios["emission"] + grid) / 3
    return {
        "score": round(score, 4),
        **{name: round(value, 4) for name, value in ratios.items()},
        "hours": hours,
        "plan_cpu_ms": round(1e3 * (time.process_time() - began) / hours, 2),
        "solve_cpu_ms": round(1e3 * product.solve_s / hours, 2),
    }


if __name__ == "__main__":
    main()
