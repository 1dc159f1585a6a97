"""`python -m tests.bench.scale`: many sites due at one instant, through the real loop, as JSON.

The homes and services of `tests.bench.loop`; what is looked at is time, not cost: whether each plan
has its forecasts and is accepted before its interval begins, with `--lead` seconds of the wall to
make them all, and how the work is spread over that lead. The first turn does not count.

    --sites 50,200,500     sizes
    --lead 120             seconds of the wall from the first plan that is due to the interval
    --turns 1              turns that count
    --patience 40          seconds that the services may take to start, at first
    --load 0               processes that compute all the time beside the services
    --models FOLDER        forecast by models, as in `tests.bench.loop`

`forecasts_lost` counts the forecasts that plans had to do without. Times are in seconds of the wall
before the interval begins: `first_begun_before_s`, `last_begun_before_s`, `last_accepted_before_s`;
and `slowest_plan_s` from begun to accepted. The exit status is 1 when a forecast was lost or a plan
was not made in time.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.bench.loop.homes import make_homes
from tests.bench.loop.scenario import Scenario, measure
from tests.bench.loop.turns import LEAD_RATIO
from tests.bench.scale.report import in_time, run_to_json

_RESOLUTION = timedelta(hours=1)


def main() -> int:
    """Measure and print; 1 when something that was due came late or not at all."""
    options = _options()
    with _busy_processes(options.load):
        runs = asyncio.run(_measure_all(options))
    print(json.dumps({"runs": runs}, indent=2))
    return 0 if all(in_time(run) for run in runs) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", type=_numbers, default=[50, 200, 500])
    parser.add_argument("--lead", type=float, default=120.0)
    parser.add_argument("--patience", type=float, default=40.0)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--folder", type=Path, default=Path(".wattmesh/bench"))
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


async def _measure_all(options: argparse.Namespace) -> list[dict[str, Any]]:
    runs = list[dict[str, Any]]()
    for count in options.sites:
        scenario = Scenario(
            homes=make_homes(count, 100),
            resolutions=[_RESOLUTION],
            turns=options.turns,
            wall_s=options.lead / LEAD_RATIO,
            models=options.models and options.models.absolute(),
            folder=options.folder.absolute(),
            patience=timedelta(seconds=options.patience),
        )
        async for measured in measure(scenario):
            runs.append(run_to_json(measured, lead_s=options.lead, busy_processes=options.load))
            print(json.dumps(runs[-1]), file=sys.stderr)
    return runs


@contextmanager
def _busy_processes(count: int) -> Iterator[None]:
    """Run processes that compute all the time: a machine that is not for this alone."""
    processes = [multiprocessing.Process(target=_compute, daemon=True) for _ in range(count)]
    for each in processes:
        each.start()
    try:
        yield
    finally:
        for each in processes:
            each.kill()
            each.join()


def _compute() -> None:
    number = 1
    while True:
        number = number * 3 % 1_000_003


if __name__ == "__main__":
    sys.exit(main())
