"""What an issue of forecasts costs, by the number of assets.

    python -m tests.bench.forecast_cost --assets 2 20 200 2000

runs forecast as it is, in a process of its own, against PostgreSQL, a metering that answers from
memory and, for the path `model`, the local model host with networks of the usual size. Every site
has a load and a solar plant at a place of its own. Each issue asks for the 24 hours ahead, by the
hour; between two issues the clock goes an hour ahead. `cpu_s_per_asset` is processor time of the
forecast process alone: call, metering's answer, features, model's answer, storing. What the first
issue orders for the day, bands that are calibrated in the background, is waited for and told by
itself (`daily_cpu_s_per_asset`). Two shapes:
`together` asks for up to 1,000 assets at once, `by_site` for the two assets of each site, up to 32
sites at a time. Prints JSON; `exponent` is the growth of the cost from the second number of assets
to the last.
"""

import argparse
import asyncio
import json
import math
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc

from tests.fakes.forecast_assets import START, load_hours, pv_hours
from tests.fakes.forecast_child import ForecastChild, forecast_child
from tests.fakes.metered_homes import MeteredHomes
from tests.fakes.modelhost_process import ModelHostProcess
from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_runtime.testing import channel_for_test, serve_for_test

DAYS = 50
AT_ONCE = 32
IDLE_CPU_S = 0.02
"""Used in a second by a process that does nothing but wait."""
MOST_TOGETHER = 1000
SHAPES = ("together", "by_site")
AWAY = "127.0.0.1:1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What was measured."""

    path: str
    shape: str
    assets: int
    cpu_s_per_asset: float
    first_cpu_s_per_asset: float
    daily_cpu_s_per_asset: float
    wall_s: float


async def main() -> None:
    """Measure what the command line asks for."""
    arguments = _arguments()
    runs: list[Run] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "postgres"), durable=False, keep=False) as database,
    ):
        for path in arguments.paths:
            async with _model_server(path, Path(folder, "models")) as models:
                for assets in arguments.assets:
                    for shape in arguments.shapes if assets > 2 else SHAPES[:1]:
                        run = await _measure(path, shape, assets, database.url(), models)
                        print(run, file=sys.stderr, flush=True)
                        runs.append(run)
    print(json.dumps({"runs": [asdict(run) for run in runs], "exponents": _exponents(runs)}))


async def _measure(path: str, shape: str, assets: int, database_url: str, models: str) -> Run:
    metering = _metering(assets // 2)
    now = START + timedelta(days=DAYS, minutes=30)
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve_for_test(*metering.register))
        child = await stack.enter_async_context(forecast_child(database_url, target, models, now))
        channel = await stack.enter_async_context(channel_for_test(child.target))
        stub = forecast_pb2_grpc.ForecastServiceStub(channel)
        asked = _requests(shape, sorted(metering.power_w))
        await _until_known(stub, asked[0][0])
        costs: list[float] = []
        daily = 0.0
        await child.advance(timedelta(0))
        began = time.monotonic()
        for number in range(1 + max(2, min(20, 400 // assets))):
            start = now.replace(minute=0) + (number + 1) * HOUR
            began = time.monotonic() if number == 1 else began
            await _issue(stub, asked, TimeRange.of(start, timedelta(days=1)), path)
            costs.append(await child.advance(HOUR) / assets)
            daily += await _until_idle(child) / assets if number == 0 else 0.0
        took = time.monotonic() - began
    first, *others = costs
    return Run(
        path=path,
        shape=shape,
        assets=assets,
        cpu_s_per_asset=round(sum(others) / len(others), 6),
        first_cpu_s_per_asset=round(first, 6),
        daily_cpu_s_per_asset=round(daily, 6),
        wall_s=round(took / len(others), 3),
    )


async def _until_idle(child: ForecastChild) -> float:
    """Wait until nothing is worked on in the background; return the processor time it took [s]."""
    total = 0.0
    while True:
        await asyncio.sleep(1.0)
        used = await child.advance(timedelta(0))
        if used < IDLE_CPU_S:
            return total
        total += used


async def _until_known(stub: Any, name: str) -> None:
    """Wait until forecast has the site model, by a question that issues nothing."""
    request = forecast_pb2.EvaluateForecastsRequest(
        assets=[name], issue_range=time_range_to_proto(TimeRange.of(START, HOUR))
    )
    while True:
        try:
            await stub.EvaluateForecasts(request)
            return
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            await asyncio.sleep(0.1)


async def _issue(stub: Any, asked: Sequence[list[str]], span: TimeRange, path: str) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def ask(names: list[str]) -> None:
        request = forecast_pb2.IssueForecastsRequest(
            assets=names, range=time_range_to_proto(span), resolution=duration_to_proto(HOUR)
        )
        async with turn:
            answer = await stub.IssueForecasts(request, timeout=600)
        sources = {each.forecast.source.partition(":")[0] for each in answer.results}
        if sources != {path}:
            raise SystemExit(f"{len(answer.results)} forecasts by {sources}, not by {path}")

    await asyncio.gather(*map(ask, asked))


def _requests(shape: str, assets: Sequence[AssetId]) -> list[list[str]]:
    size = MOST_TOGETHER if shape == "together" else 2
    names = [asset.name for asset in assets]
    return [names[first : first + size] for first in range(0, len(names), size)]


def _metering(sites: int) -> MeteredHomes:
    power: dict[AssetId, Series] = {}
    for number in range(sites):
        site = SiteId(f"home-{number:04d}")
        load = load_hours(DAYS + 2, ahead=0, seed=number).power_w
        pv = pv_hours(DAYS + 2, ahead=0, seed=number).power_w
        power[AssetId(site, "load")] = Series(START, HOUR, load)
        power[AssetId(site, "pv")] = Series(START, HOUR, -pv)
    return MeteredHomes(power_w=power, spread_degrees=0.01)  # type: ignore[abstract]


@asynccontextmanager
async def _model_server(path: str, folder: Path) -> AsyncIterator[str]:
    if path == "seasonal":
        yield AWAY
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.forecast_model", str(folder)
    )
    if await process.wait():
        raise SystemExit("no models")
    async with ModelHostProcess(folder) as host:
        await asyncio.sleep(5)  # until both models are loaded
        yield host.target


def _exponents(runs: Sequence[Run]) -> dict[str, float]:
    found: dict[str, float] = {}
    for path, shape in sorted({(run.path, run.shape) for run in runs}):
        same = [r for r in runs if (r.path, r.shape) == (path, shape) and r.assets > 2]
        if len(same) > 1:
            first, last = same[0], same[-1]
            growth = math.log(last.cpu_s_per_asset / first.cpu_s_per_asset)
            exponent = 1 + growth / math.log(last.assets / first.assets)
            found[f"{path} {shape}"] = round(exponent, 3)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--assets", nargs="+", type=int, default=[2, 20, 200, 2000])
    parser.add_argument("--paths", nargs="+", default=["seasonal", "model"])
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES))
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
