"""Asks forecast what is expected, how good it was, and to learn anew."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from google.longrunning import operations_pb2, operations_pb2_grpc
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from wattmesh.forecast.v1 import forecast_pb2
from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    duration_to_proto,
    time_range_to_proto,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_local.forecasting.curves import Curve, in_terminal, write_png
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

_LOOK_SECONDS = 0.5
_OUTER = (0.1, 0.5, 0.9)


@asynccontextmanager
async def forecast_desk(state_folder: Path, console: Console) -> AsyncIterator["ForecastDesk"]:
    """Yield what speaks to the mesh that runs here. Error: NotFound when none does."""
    mesh = MeshState(state_folder)
    clock = mesh.clock()
    with rpc_errors():
        async with MeshClients.of(mesh) as clients:
            yield ForecastDesk(clients, clock, console)


class ForecastDesk:
    """Asks forecast, and prints what it answers; each returns an exit status."""

    def __init__(self, clients: MeshClients, clock: Clock, console: Console) -> None:
        self._clients = clients
        self._clock = clock
        self._console = console

    async def show(
        self, asset: str, ahead: timedelta, resolution: timedelta, png: Path | None
    ) -> int:
        """Issue a forecast of an asset now; print it as a plot and a table; 1: there is none."""
        name, zone = _asset(asset), await self._zone(asset)
        start = ceil_time(self._clock.now(), resolution)
        request = forecast_pb2.IssueForecastsRequest(
            assets=[name],
            range=time_range_to_proto(TimeRange(start, ceil_time(start + ahead, resolution))),
            resolution=duration_to_proto(resolution),
            quantile_ratios=_OUTER,
        )
        (result,) = (await self._clients.forecast.IssueForecasts(request)).results
        if result.WhichOneof("result") != "forecast":
            self._console.print(f"{name}: {result.failure.message}", style="red")
            return 1
        curve = curve_of(result.forecast, zone)
        self._console.print(in_terminal(curve))
        self._console.print(_numbers(curve))
        if png is not None:
            await asyncio.to_thread(write_png, curve, png)
            self._console.print(f"{png} is written")
        return 0

    async def backtest(self, assets: Sequence[str], back: timedelta) -> int:
        """Print how good what was issued lately came out, beside the naive forecast.

        1: of some asset it was worse than the naive one, or nothing can be compared.
        """
        now = self._clock.now()
        span = time_range_to_proto(TimeRange(now - back, now))
        table = Table("asset", "compared", "WAPE", "naive", "less", "coverage", "by")
        sound = True
        for asset in assets:
            request = forecast_pb2.EvaluateForecastsRequest(
                assets=[_asset(asset)], issue_range=span
            )
            answer = await self._clients.forecast.EvaluateForecasts(request)
            table.add_row(_asset(asset), *_scores(answer))
            both = answer.HasField("wape_ratio") and answer.HasField("naive_wape_ratio")
            sound = sound and both and answer.wape_ratio <= answer.naive_wape_ratio
        self._console.print(table)
        return 0 if sound else 1

    async def train(self, model: str, assets: Sequence[str], back: timedelta) -> int:
        """Have a model trained on the history of assets, and say how far it is until it is done.

        Error: FailedPrecondition when nothing came of it, with why.
        """
        end = floor_time(self._clock.now(), timedelta(hours=1))
        order = forecast_pb2.TrainModelRequest(
            model=model,
            assets=[_asset(each) for each in assets],
            range=time_range_to_proto(TimeRange(end - back, end)),
            request_id=uuid.uuid4().hex,
        )
        name = (await self._clients.forecast.TrainModel(order)).operation
        done = await self._follow(name)
        if done.HasField("error"):
            raise FailedPrecondition("TRAINING_FAILED", done.error.message)
        result = forecast_pb2.TrainModelResult()
        done.response.Unpack(result)
        trained = result.model
        self._console.print(
            f"{trained.name}: WAPE {trained.holdout_wape_ratio:.3f} on the week that was held out, "
            f"naive {trained.holdout_naive_wape_ratio:.3f}"
        )
        return 0

    async def _follow(self, name: str) -> operations_pb2.Operation:
        operations = operations_pb2_grpc.OperationsStub(self._clients.channel("forecast"))
        request = operations_pb2.GetOperationRequest(name=name)
        with Progress(console=self._console, transient=True) as progress:
            task = progress.add_task("training", total=1.0)
            while True:
                operation = await operations.GetOperation(request)
                state = forecast_pb2.TrainModelMetadata()
                operation.metadata.Unpack(state)
                stage = state.stage or "training"
                progress.update(task, completed=state.progress_ratio, description=stage)
                if operation.done:
                    return operation
                await asyncio.sleep(_LOOK_SECONDS)

    async def _zone(self, asset: str) -> ZoneInfo:
        site = AssetId.parse(_asset(asset)).site
        request = site_service_pb2.GetSiteRequest(name=site.name)
        return ZoneInfo((await self._clients.sites.GetSite(request)).site.time_zone)


def curve_of(forecast: forecast_pb2.Forecast, zone: ZoneInfo) -> Curve:
    """Return a forecast with three quantiles as a curve."""
    low, middle, high = (np.array(each.values) / 1000 for each in forecast.quantiles)
    start = datetime_from_proto(forecast.start_time)
    day = f"{start.astimezone(zone):%Y-%m-%d %H:%M}"
    return Curve(
        title=f"{forecast.asset} from {day}, {forecast.source} [kW]",
        start=start,
        resolution=duration_from_proto(forecast.resolution, "resolution"),
        zone=zone,
        low_kw=low,
        middle_kw=middle,
        high_kw=high,
    )


def _asset(name: str) -> str:
    """Return the full name of `home-1/load`. Error: InvalidArgument."""
    if name.startswith("sites/"):
        return AssetId.parse(name).name
    site, sign, asset = name.partition("/")
    if not sign:
        raise InvalidArgument("INVALID_NAME", f"{name!r} is not like home-1/load")
    return AssetId.parse(f"sites/{site}/assets/{asset}").name


def _numbers(curve: Curve) -> Table:
    table = Table("from", "10 %", "median", "90 %", title="kW, into the asset positive")
    for interval, values in enumerate(
        zip(curve.low_kw, curve.middle_kw, curve.high_kw, strict=True)
    ):
        table.add_row(curve.label(interval), *(f"{value:.3f}" for value in values))
    return table


def _scores(answer: forecast_pb2.EvaluateForecastsResponse) -> list[str]:
    by = ", ".join(f"{name} {count}" for name, count in answer.forecasts_by_source.items())
    if not answer.HasField("wape_ratio"):
        return [str(answer.compared), "-", "-", "-", "-", by]
    naive = answer.naive_wape_ratio if answer.HasField("naive_wape_ratio") else None
    return [
        str(answer.compared),
        f"{answer.wape_ratio:.3f}",
        "-" if naive is None else f"{naive:.3f}",
        "-" if not naive else f"{1 - answer.wape_ratio / naive:.0%}",
        f"{answer.coverage_ratio:.0%}" if answer.HasField("coverage_ratio") else "-",
        by,
    ]
