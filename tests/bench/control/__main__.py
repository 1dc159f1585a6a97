"""`python -m tests.bench.control`: what control says of devices that lie, and its latency; JSON.

Control runs in this process, with a PostgreSQL of its own, on a clock that stands still between
turns. Its gateway drives simulated batteries of every class (`homes.py`) in homes whose loads, sun
and meters are as restless as measured ones, read every 5 s; a command holds for 15 minutes.

    --commands 200   commands of each class
    --latency 500    commands whose latency is measured
    --turns 10       turns of an interval, of each number of devices
    --folder         where the database is while it runs; in memory (/dev/shm) it shows what the
                     latency is without the disk, whose own share `machine` tells

A verdict is right when it is what the battery really did (`truth.py`, from its power without
noise); UNKNOWN is right only where its meter stands still, nothing had to move, or two devices
stepped at once in a way that no meter tells apart: `excused` counts those. The exit status is 1
when a CONFIRMED was false or less than 99 % of a class were right.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.control.latency import measure_latency
from tests.bench.control.lies import measure_lies
from tests.bench.control.turns import DEVICES, measure_turn
from tests.bench.machine import machine
from wattmesh_local.postgres import EmbeddedPostgres

_LEAST_RIGHT_RATIO = 0.99


def main() -> int:
    """Measure, print, and say whether it was as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.control")
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--latency", type=int, default=500)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=arguments.folder) as folder,
        EmbeddedPostgres(Path(folder) / "postgres", keep=False) as server,
    ):
        content = uvloop.run(_measure(server, arguments))  # as services do
        content["machine"] = machine(Path(folder))
    print(json.dumps(content, indent=2))
    lies = content["lies"].values()
    sound = all(not x["false_confirmed"] and x["right_ratio"] >= _LEAST_RIGHT_RATIO for x in lies)
    return 0 if sound else 1


async def _measure(server: EmbeddedPostgres, arguments: argparse.Namespace) -> dict[str, Any]:
    cpu = time.process_time()
    latency = await measure_latency(server.create_database("latency"), arguments.latency)
    latency_cpu = time.process_time()
    turns = {
        f"turn_of_{devices}_s": await measure_turn(
            server.create_database(f"turn_{devices}"), devices, arguments.turns
        )
        for devices in DEVICES
    }
    turns_cpu = time.process_time()
    lies = await measure_lies(server.create_database("lies"), arguments.commands)
    return {
        "lies": lies,
        **latency,
        **turns,
        "cpu_s": {
            "latency": round(latency_cpu - cpu, 1),
            "turns": round(turns_cpu - latency_cpu, 1),
            "lies": round(time.process_time() - turns_cpu, 1),
        },
    }


if __name__ == "__main__":
    sys.exit(main())
