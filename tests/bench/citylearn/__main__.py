"""`python -m tests.bench.citylearn`: the product judged by CityLearn's official score, as JSON.

--only NAME     one set of goals only
--hours N       the first N hours only: quick, and no score to compare
"""

import argparse
import json
import time
from typing import Any

import numpy as np

from tests.bench.citylearn.environment import play
from tests.bench.citylearn.forecasts import forecasts_of_the_year
from tests.bench.citylearn.goals import GOALS
from tests.bench.citylearn.homes import UserSettings
from tests.bench.citylearn.product import Product


def main() -> None:
    """Play the year once for each set of goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=GOALS)
    parser.add_argument("--hours", type=int)
    options = parser.parse_args()
    names = [options.only] if options.only else list(GOALS)
    power_w, carbon = forecasts_of_the_year()
    for name in names:
        print(json.dumps({name: _measure(GOALS[name], power_w, carbon, options.hours)}), flush=True)


def _measure(settings: UserSettings, power_w: Any, carbon: Any, hours: int | None) -> Any:
    product, began = Product(settings, power_w, carbon), time.process_time()
    outcome = play(product, hours)
    net, without = (np.array(outcome.pop(key)) for key in ("group_net_kw", "group_net_without_kw"))
    found = {name: round(value, 4) for name, value in outcome.items()}
    return {
        **found,
        "ramping": round(_ramping(net) / _ramping(without), 4),
        "peak": round(float(net.max() / without.max()), 4),
        "plan_cpu_ms": round(1e3 * (time.process_time() - began) / len(net), 2),
        "solve_cpu_ms": round(1e3 * product.solve_s / len(net), 2),
    }


def _ramping(net: Any) -> float:
    return float(np.abs(np.diff(net)).sum())


if __name__ == "__main__":
    main()
