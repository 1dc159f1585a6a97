"""`python -m tests.chaos`: the local mesh, with a random fault every few seconds, audited; JSON.

    --minutes 10     of faults, on the wall
    --every 8        seconds from one fault to the next, on average
    --rate 600       simulated seconds a second
    --seed 1         the same faults in the same order
    --folder         where the mesh keeps its state; it is emptied

As root the mesh runs in a network of its own, whose lines are cut and lossy too. The homes, their
meters and batteries are spared: what they wrote down is what all else is held against
(`auditor.py`). After the faults the mesh has two minutes to be well again. The exit status is 0
when it is, and every promise was kept.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.auditor import UNDER_WAY, Seen, audit
from tests.chaos.faults import ANYWHERE, IN_OWN_NETWORK, Mesh
from tests.e2e.wattmesh_command import COMMAND, Run, Wattmesh
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.clocks import clock_from_spec

WELL_SECONDS = 120.0
"""Within this the mesh must say that it is well again [s]."""
SETTLING = timedelta(hours=1)
"""Simulated, between that and the audit."""
_OWN_NETWORK = "WATTMESH_CHAOS_OWN_NETWORK"


def main() -> int:
    """Run it, print what came of it, and say whether the mesh kept its promises."""
    if os.geteuid() == 0 and shutil.which("iptables") and _OWN_NETWORK not in os.environ:
        return _in_own_network()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=8.0)
    parser.add_argument("--rate", default="600")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        wattmesh = Wattmesh(Path(folder))
        try:
            content = _run(wattmesh, arguments)
        finally:
            wattmesh.end()
    print(json.dumps(content, indent=2))
    return 0 if content["well_after_s"] is not None and not any(content["broken"].values()) else 1


def _in_own_network() -> int:
    """Run this again where there is nothing but a loopback of its own."""
    script = f'ip link set lo up && exec "{sys.executable}" -m tests.chaos "$@"'
    command = ["unshare", "--net", "sh", "-c", script, "sh", *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, _OWN_NETWORK: "1"}, check=False).returncode


def _run(wattmesh: Wattmesh, arguments: argparse.Namespace) -> dict[str, Any]:
    run = wattmesh.start("up", "--plain", "--rate", arguments.rate)
    clock = clock_from_spec(run.state()["clock"])
    begin = clock.now()
    struck = _strike(run, arguments)
    well = _well_after(wattmesh)
    _wait(clock, clock.now() + SETTLING)
    state = run.state()
    end = clock.now() - UNDER_WAY
    with psycopg.connect(state["database_url"], row_factory=dict_row) as database:
        seen = Seen(database=database, ledger=Path(state["ledger"]), begin=begin, end=end)
        broken = audit(seen)
        plans = Counter(row["state"] for row in seen.rows("SELECT state FROM planner.plans"))
        commands = Counter(row["state"] for row in seen.rows("SELECT state FROM control.commands"))
    return {
        "simulated_hours": round((end - begin) / timedelta(hours=1), 1),
        "faults": dict(Counter(each.partition(" ")[0] for each in struck)),
        "well_after_s": well,
        "plans": dict(plans),
        "commands": dict(commands),
        "broken": broken,
    }


def _strike(run: Run, arguments: argparse.Namespace) -> list[str]:
    """Have things happen; return them in words."""
    dice = random.Random(arguments.seed)
    kinds = IN_OWN_NETWORK if _OWN_NETWORK in os.environ else ANYWHERE
    deadline = time.monotonic() + 60 * arguments.minutes
    struck = []
    while time.monotonic() < deadline:
        time.sleep(dice.expovariate(1 / arguments.every))
        fault = dice.choice(kinds)(Mesh(state=run.state()), dice)
        _say(fault.words)
        fault.strike()
        struck.append(fault.words)
    return struck


def _well_after(wattmesh: Wattmesh) -> float | None:
    """Return how long it took until the mesh said that all is well [s]; None: it did not."""
    _say("waiting until all is well")
    began = time.monotonic()
    environment = {**os.environ, "WATTMESH_STATE": str(wattmesh.state_folder)}
    while (waited := time.monotonic() - began) < WELL_SECONDS:
        said = subprocess.run(
            [*COMMAND, "status"], env=environment, capture_output=True, text=True, check=False
        )
        if said.returncode == 0:
            return round(waited, 1)
        time.sleep(1.0)
    _say(said.stdout)
    return None


def _wait(clock: Clock, until: datetime) -> None:
    while clock.now() < until:
        time.sleep(0.5)


def _say(text: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
