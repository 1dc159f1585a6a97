"""The bench of the whole loop still measures it."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIZE = ("--homes", "2", "--resolutions", "60", "--turns", "1")


@pytest.mark.time_limit(300)
async def test_bench_of_the_loop_plans_and_commands_every_home(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.loop", *SIZE, "--folder", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    (run,) = json.loads(output)["runs"]
    assert run["plans_made"] == run["commands_verified"] == 2
    assert run["database_connections"].keys() == {"metering", "forecast", "control", "planner"}
    assert run["cpu_s_per_site"]["planner"] > 0
    assert run["statements_per_plan"] > 0
