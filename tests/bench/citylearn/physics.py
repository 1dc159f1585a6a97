"""The official physics, in the old packages that it needs: a process with a JSON line an hour.

Says what is known at the end of hour t, reads the powers that the batteries are told for the hour
after it, and at last what the year came to. Never says a column that predicts.
"""

import json
import sys
from typing import Any

from citylearn.citylearn import CityLearnEnv
from citylearn.cost_function import CostFunction
from citylearn.data import DataSet

DATA_SET = "citylearn_challenge_2022_phase_1"
HOMES = 5
"""All homes of that data set: 1 to 5."""


def main() -> None:
    """Play the hours from the first to the last that the command line says."""
    first, last = int(sys.argv[1]), int(sys.argv[2])
    schema = DataSet.get_schema(DATA_SET)
    schema["simulation_start_time_step"], schema["simulation_end_time_step"] = first, last
    environment = CityLearnEnv(schema)
    environment.reset()
    while not environment.done:
        say(known(environment, first))
        powers_kw = json.loads(sys.stdin.readline())
        homes = zip(environment.buildings, powers_kw, strict=True)
        environment.step([action(home, kw) for home, kw in homes])
    say(outcome(environment))


def known(environment: Any, first: int) -> dict[str, Any]:
    """Return what meters have read of the hour that has just passed."""
    hour, homes = environment.time_step, environment.buildings
    return {
        "hour": first + hour,
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
    """Return what the official score is made of: each cost with control and without."""
    of = environment
    return {
        "price": costs(
            CostFunction.price,
            of.net_electricity_consumption_price,
            of.net_electricity_consumption_without_storage_price,
        ),
        "emission": costs(
            CostFunction.carbon_emissions,
            of.net_electricity_consumption_emission,
            of.net_electricity_consumption_without_storage_emission,
        ),
        **{
            name: costs(
                function,
                of.net_electricity_consumption,
                of.net_electricity_consumption_without_storage,
            )
            for name, function in (
                ("ramping", CostFunction.ramping),
                ("load_factor", CostFunction.load_factor),
            )
        },
    }


def costs(function: Any, controlled: Any, without: Any) -> list[float]:
    """Return a cost function of both."""
    return [float(function(controlled)[-1]), float(function(without)[-1])]


def say(what: dict[str, Any]) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
