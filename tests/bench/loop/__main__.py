"""`python -m tests.bench.loop`: what a plan costs through the whole loop, as JSON.

Synthetic homes (grid meter, derived load, PV, battery; a time-of-use tariff) go through the real
services metering, forecast, optimizer, planner and control: each its own process, gRPC on
loopback, one embedded PostgreSQL. There are no devices and no broker: gateways that acknowledge
every command at once take their place, and readings come over metering's ingestion stream.

The planner's own loop runs, on a scaled clock: a turn is one interval, in which every home reports,
is planned and commanded once (`turns.py`). An interval takes `--wall-per-home` seconds of the wall
for each home, at least 8, so that all plans can be made within their lead; the deadlines of calls
are wall time and stay as they are. The first turn does not count.

    --homes 10,100,1000       sizes
    --resolutions 60,15       lengths of an interval in minutes; a plan reaches 24 h
    --turns 3                 turns that count, after the one that does not
    --models FOLDER           forecast by models, trained into this folder unless they are there;
                              else by the seasonal forecast, as when the model server is away
    --identities              every process shows a certificate and may do what it needs alone
    --folder .wattmesh/bench  logs and database

Processor time is that of each process and its children from /proc, `database` that of all of
PostgreSQL. `statements_per_plan` and `database_connections` are PostgreSQL's own counts
(pg_stat_statements, transaction control included; the most seen of pg_stat_activity) by service;
`costliest_statements_ms_per_plan` is how long it planned and executed the worst of them.
The exit status is 1 when a plan, a forecast or a command that was due is not there: what was left
undone costs nothing, and would flatter.

`exponent` is the slope of log(processor time of a turn) over log(homes), the largest of all
resolutions: 1 means that a home costs the same in any company.
"""

import argparse
import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.bench.loop.homes import make_homes
from tests.bench.loop.report import exponents, faults, run_to_json
from tests.bench.loop.scenario import Scenario, measure


def main() -> int:
    """Measure and print; 1 when something that was due was not done."""
    options = _options()
    runs = asyncio.run(_measure_all(options))
    slopes = exponents(runs)
    json.dump(
        {"runs": runs, "exponent": max(slopes.values(), default=None), "exponents": slopes},
        sys.stdout,
        indent=2,
    )
    print()
    found = [fault for run in runs for fault in faults(run)]
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--homes", type=_numbers, default=[10, 100, 1000])
    parser.add_argument("--resolutions", type=_numbers, default=[60, 15])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--wall-per-home", type=float, default=0.15)
    parser.add_argument("--homes-per-gateway", type=int, default=100)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--identities", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(".wattmesh/bench"))
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


async def _measure_all(options: argparse.Namespace) -> list[dict[str, Any]]:
    runs = list[dict[str, Any]]()
    for count in options.homes:
        scenario = Scenario(
            homes=make_homes(count, options.homes_per_gateway),
            resolutions=[timedelta(minutes=minutes) for minutes in options.resolutions],
            turns=options.turns,
            wall_s=max(8.0, options.wall_per_home * count),
            models=options.models and options.models.absolute(),
            identities=options.identities,
            folder=options.folder.absolute(),
        )
        async for measured in measure(scenario):
            runs.append(run_to_json(measured))
            print(json.dumps(runs[-1]), file=sys.stderr)
    return runs


if __name__ == "__main__":
    sys.exit(main())
