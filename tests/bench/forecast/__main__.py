"""How good forecasts are, beside LightGBM with the same inputs and history, on measured data.

    python -m tests.bench.forecast ../shared/data --sets cambridge --weeks 4 --weather none

Every cell: issued at local midnight, 24 hours ahead by the hour; medians over assets. `cambridge`
learns from eight buildings until 2020-06 and is asked about 2020-07 to 2021-06 of all twelve;
`citylearn` learns from the first 6,570 hours of 17 homes and is asked about the rest, and about
their sum. Weather `actual` is what was measured afterwards at the target, not a forecast. Prints a
table on standard error and JSON: cells with set, group, history_weeks, weather, wape,
lightgbm_wape, coverage, pinball and a few more. With --no-rival LightGBM is left out, which is most
of the time.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import tests.bench.forecast.one_thread  # noqa: F401 (before TensorFlow is imported)
from tests.bench.forecast.asking import Known
from tests.bench.forecast.cells import Cell, table
from tests.bench.forecast.loads import measure
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
    config = replace(LoadConfig(), members=arguments.members)
    weathers = [weather == "actual" for weather in arguments.weather]
    if "cambridge" in arguments.sets:
        conditions = [Known(weeks=n, weather=w) for w in weathers for n in arguments.weeks]
        yield from measure(campus(arguments.data), conditions, config, rival=arguments.rival)
    if "citylearn" in arguments.sets:
        conditions = [Known(weeks=n, weather=False) for n in arguments.weeks]
        yield from measure(homes(), conditions, config, rival=arguments.rival)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--weeks", nargs="+", type=int, default=[1, 4, 12])
    parser.add_argument(
        "--weather", nargs="+", choices=("none", "actual"), default=["none", "actual"]
    )
    parser.add_argument("--members", type=int, default=LoadConfig().members)
    parser.add_argument("--no-rival", dest="rival", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    main()
