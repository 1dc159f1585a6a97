"""The parts of the loop's bench that could quietly measure the wrong thing."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.bench.loop.cost import cpu_seconds
from tests.bench.loop.homes import Meters, make_homes
from tests.bench.loop.report import exponents, faults

START = datetime(2024, 5, 6, 8, tzinfo=UTC)
BUSY = "import time\nwhile time.process_time() < 0.3: pass"
RUN: dict[str, Any] = {
    "sites": 10,
    "resolution": "PT60M",
    "cpu_s_per_site_total": 0.1,
    "plans_due": 30,
    "plans_made": 30,
    "plans_degraded_by": {},
    "forecast": "seasonal",
    "forecast_sources": {"seasonal": 60},
    "commands_verified": 30,
}


def test_registers_of_a_home_never_fall_and_go_on_where_the_history_ends() -> None:
    meters, homes = Meters(START), make_homes(2, 1)
    times = [*meters.history(START), START + timedelta(minutes=15)]
    registers = meters.values(homes, times)[:, :, :-1]
    assert (np.diff(registers, axis=0) >= 0).all()
    assert times[-2] == START


def test_time_of_a_child_that_has_ended_is_not_lost() -> None:
    before = cpu_seconds({"me": os.getpid()})["me"]
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert cpu_seconds({"me": os.getpid()})["me"] - before >= 0.25


def test_exponent_of_a_cost_that_grows_with_the_square_is_two() -> None:
    runs = [RUN | {"sites": sites, "cpu_s_per_site_total": 0.1 * sites} for sites in (10, 100)]
    assert exponents(runs) == {"PT60M": pytest.approx(2.0)}


def test_exponent_of_a_single_size_is_not_said() -> None:
    assert exponents([RUN]) == {}


def test_work_that_was_not_done_and_what_plans_lacked_is_told() -> None:
    assert faults(RUN) == []
    assert len(faults(RUN | {"plans_made": 29})) == 1
    assert len(faults(RUN | {"forecast_sources": {"seasonal": 58, "model": 2}})) == 1
    assert len(faults(RUN | {"plans_degraded_by": {"FACT_TOPIC_STATE": 1}})) == 1
    assert len(faults(RUN | {"commands_verified": 0})) == 1
