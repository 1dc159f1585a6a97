"""How well batteries behind one gateway follow a regulation signal of the PJM kind, as JSON.

A signal of 4 s goes over a gRPC stream to a gateway in a process of its own, and from its loops to
batteries on Modbus TCP, all on loopback; each is at a site of its own and does what it was told at
once. Response is what their registers say, sampled every 10 s as PJM does. Control is not between.

    make bench-reserve ARGUMENTS="--batteries 1 10 50 --minutes 15"
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import numpy as np
from numpy.typing import NDArray

from tests.bench.loop_control import Home, running
from tests.fakes.gateway_control import FakeControl
from wattmesh_demandresponse.domain.tracking import tracking_score
from wattmesh_kernel.loop_policy import LoopLimit, LoopPolicy
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_runtime.aio.tasks import cancel_until_ended, together

SIGNAL_SECONDS = 4.0
_METER_SECONDS = 2.0
_LOAD_W = 1000.0
_HELD_W = 4000.0
_HOLD = timedelta(seconds=30)


@dataclass
class Reserve(Home):
    """A site that does nothing but keep its connection's limit, until a reserve asks."""

    def policy(self, settling: timedelta) -> LoopPolicy:
        limit = LoopLimit(id="connection", max_import_power_w=20e3, max_export_power_w=20e3)
        return replace(super().policy(settling), target=None, limits=(limit,))


def regulation_signal(count: int, seed: int = 1) -> NDArray[np.float64]:
    """Return a signal between -1 and 1, about as much up as down, as PJM's fast one (RegD).

    Slow swings and a fast part that forgets itself within half a minute, cut off at full.
    """
    random, seconds = np.random.default_rng(seed), np.arange(count) * SIGNAL_SECONDS
    slow = 0.5 * np.sin(2 * np.pi * seconds / 420) + 0.3 * np.sin(2 * np.pi * seconds / 130 + 1)
    fast = np.zeros(count)
    for index in range(1, count):
        fast[index] = 0.87 * fast[index - 1] + random.normal(0, 0.2)
    cut: NDArray[np.float64] = np.clip(slow + fast, -1.0, 1.0)
    return cut


async def measure(
    folder: Path, batteries: int, minutes: float, sample_s: float
) -> dict[str, object]:
    """Return the score of so many batteries, and how long signals took to the last register."""
    homes = [Reserve(number) for number in range(batteries)]
    ratios = regulation_signal(round(minutes * 60 / SIGNAL_SECONDS))
    async with running(folder, homes, timedelta(0)) as (world, client):
        meters = asyncio.create_task(_meters(homes, client))
        await asyncio.sleep(2 * _METER_SECONDS)
        cpu_s, latencies_s = world.gateway.cpu_seconds(), list[float]()
        sampling = asyncio.create_task(_samples(homes, sample_s))
        began = time.monotonic()
        asked = list[tuple[float, float]]()
        for number, ratio in enumerate(ratios.tolist()):
            await asyncio.sleep(max(0.0, began + number * SIGNAL_SECONDS - time.monotonic()))
            asked.append((time.monotonic(), -ratio * _HELD_W * batteries))
            _send(world.control, homes, -ratio * _HELD_W)
            latencies_s.append(await _followed(homes, -ratio * _HELD_W))
        cpu_s = world.gateway.cpu_seconds() - cpu_s
        samples = await _ended(sampling)
        await cancel_until_ended(meters)
    times, response = np.array(samples).T
    steps = np.searchsorted([at for at, _ in asked], times, side="right") - 1
    signal = np.array([power for _, power in asked])[steps]
    score = tracking_score(signal, response, timedelta(seconds=sample_s))
    assert score is not None
    ordered = sorted(1000 * each for each in latencies_s)
    return {
        "batteries": batteries,
        "signals": len(ordered),
        "score": round(score.score, 4),
        "accuracy": round(score.accuracy, 4),
        "delay": round(score.delay, 4),
        "precision": round(score.precision, 4),
        "to_last_register_ms": {
            "p50": round(statistics.median(ordered), 1),
            "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 1),
        },
        "gateway_cpu_ms_per_signal_and_battery": round(1000 * cpu_s / len(ordered) / batteries, 2),
    }


def _send(control: FakeControl, homes: Sequence[Home], power_w: float) -> None:
    now = datetime.now(UTC)
    for home in homes:
        control.activate(
            ReserveSignal(
                site=home.site, reserve="regulation", power_w=power_w, hold=_HOLD, signal_time=now
            )
        )


async def _followed(homes: Sequence[Home], power_w: float) -> float:
    """Return how long it takes until every battery was told [s]; at most the signal's time."""
    began = time.monotonic()
    while time.monotonic() - began < SIGNAL_SECONDS - 0.5:
        if all(abs(home.power_w() - power_w) <= 1.0 for home in homes):
            break
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def _samples(homes: Sequence[Home], seconds: float) -> list[tuple[float, float]]:
    found = list[tuple[float, float]]()
    began = time.monotonic() + seconds
    try:
        while True:
            await asyncio.sleep(max(0.0, began + len(found) * seconds - time.monotonic()))
            found.append((time.monotonic(), sum(home.power_w() for home in homes)))
    except asyncio.CancelledError:
        return found


async def _ended(task: "asyncio.Task[list[tuple[float, float]]]") -> list[tuple[float, float]]:
    task.cancel()
    return await task


async def _meters(homes: Sequence[Home], client: aiomqtt.Client) -> None:
    while True:
        await together(*(home.say(client, _LOAD_W) for home in homes))
        await asyncio.sleep(_METER_SECONDS)


async def measure_all(
    batteries: Sequence[int], minutes: float, sample_s: float
) -> list[dict[str, object]]:
    """Return the measurement of each number of batteries, in a folder of its own."""
    found = []
    for count in batteries:
        with tempfile.TemporaryDirectory() as folder:
            found.append(await measure(Path(folder), count, minutes, sample_s))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batteries", type=int, nargs="*", default=[1, 10, 50])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--sample-seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    found = asyncio.run(
        measure_all(arguments.batteries, arguments.minutes, arguments.sample_seconds)
    )
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
