"""The official physics, in the old packages that it needs: a process with a JSON line an hour.

Says what is known at the end of hour t, reads the powers that the batteries are told for the hour
after it, and at last what the year came to. Never says a column that predicts.
"""

import json
import sys
from typing import Any

from citylearn.citylearn import CityLearnEnv

DATA_SET = "citylearn_challenge_2022_phase_1"
HOMES = 5
"""All homes of that data set: 1 to 5."""


def main() -> None:
    """Play the year, or its first hours."""
    hours = int(sys.argv[1]) if len(sys.argv) > 1 else None
    environment = CityLearnEnv(DATA_SET)
    environment.reset()
    while not environment.done and (hours is None or environment.time_step < hours):
        say(known(environment))
        powers_kw = json.loads(sys.stdin.readline())
        environment.step(
            [action(home, kw) for home, kw in zip(environment.buildings, powers_kw, strict=True)]
        )
    say(known(environment))
    say(outcome(environment))


def known(environment: Any) -> dict[str, Any]:
    """Return what meters have read of the hour that has just passed."""
    hour, homes = environment.time_step, environment.buildings
    return {
        "hour": hour,
        "load_kw": [float(home.energy_simulation.non_shiftable_load[hour]) for home in homes],
        "pv_kw": [-float(home.solar_generation[hour]) for home in homes],
        "net_kw": [float(home.net_electricity_consumption[hour]) for home in homes],
        "stored_ratio": [stored(home.electrical_storage) for home in homes],
        "carbon_kg_per_kwh": float(homes[0].carbon_intensity.carbon_intensity[hour]),
        "price_per_kwh": float(homes[0].pricing.electricity_pricing[hour]),
    }


def stored(battery: Any) -> float:
    """Return the state of charge, 0 to 1."""
    return min(1.0, float(battery.soc[-1] / battery.capacity))


def action(home: Any, power_kw: float) -> list[float]:
    """Return a power over an hour as the share of the capacity that CityLearn wants."""
    return [power_kw / float(home.electrical_storage.capacity)]


def outcome(environment: Any) -> dict[str, Any]:
    """Return the official scores, and what they are made of."""
    price, emission, grid = map(float, environment.evaluate())
    return {
        "score": (price + emission + grid) / 3,
        "price": price,
        "emission": emission,
        "grid": grid,
        "group_net_kw": list(map(float, environment.net_electricity_consumption)),
        "group_net_without_kw": list(
            map(float, environment.net_electricity_consumption_without_storage)
        ),
    }


def say(what: dict[str, Any]) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
