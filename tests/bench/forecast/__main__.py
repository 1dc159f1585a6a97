"""How good forecasts are, beside LightGBM with the same inputs and history, on measured data.

    python -m tests.bench.forecast ../shared/data --sets cambridge --weeks 4 --weather none

Every cell: issued at local midnight, 24 hours ahead by the hour; medians over assets. The model is
the one that comes with the product (`tests.bench.forecast.ship` says what it has learnt), or, with
--train, one that learns from the set alone. `cambridge`: eight buildings until 2020-06 are learnt
from, all twelve asked about from 2020-07 to 2021-06; `citylearn`: the first 6,570 hours of twelve
homes are learnt from, 17 homes and their sum asked about over the rest. Weather `actual` is what
was measured afterwards at the target, not a forecast. Prints a table on standard error and JSON:
cells with set, group, history_weeks, weather, wape, lightgbm_wape, coverage, pinball and a few
more. With --no-rival LightGBM is left out, which is most of the time.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import tests.bench.forecast.one_thread  # noqa: F401 (before TensorFlow is imported)
from tests.bench.forecast.asking import Known
from tests.bench.forecast.cells import Cell, table
from tests.bench.forecast.loads import Predict, measure, shipped, trained_here
from tests.bench.forecast.place import Place
from tests.bench.forecast.sets import campus, homes
from wattmesh_forecast.training.load_config import LoadConfig

SETS = ("cambridge", "citylearn")


def main() -> None:
    """Measure what the command line asks for."""
    arguments = _arguments()
    began, cells = time.process_time(), list[Cell]()
    for each in _cells(arguments):
        print(table([each]), file=sys.stderr, flush=True)
        cells.append(each)
    print(table(cells), file=sys.stderr)
    took = round(time.process_time() - began)
    print(json.dumps({"cells": [asdict(each) for each in cells], "cpu_s": took}))


def _cells(arguments: argparse.Namespace) -> Iterator[Cell]:
    def model_of(place: Place) -> Predict:
        return trained_here(place, LoadConfig()) if arguments.train else shipped()

    weathers = [weather == "actual" for weather in arguments.weather]
    if "cambridge" in arguments.sets:
        conditions = [Known(weeks=n, weather=w) for w in weathers for n in arguments.weeks]
        place = campus(arguments.data)
        yield from measure(place, conditions, model_of(place), rival=arguments.rival)
    if "citylearn" in arguments.sets:
        conditions = [Known(weeks=n, weather=False) for n in arguments.weeks]
        place = homes()
        yield from measure(place, conditions, model_of(place), rival=arguments.rival)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--weeks", nargs="+", type=int, default=[1, 4, 12])
    parser.add_argument(
        "--weather", nargs="+", choices=("none", "actual"), default=["none", "actual"]
    )
    parser.add_argument(
        "--train", action="store_true", help="train anew, on what is learnt from there alone"
    )
    parser.add_argument("--no-rival", dest="rival", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    main()
