"""`wattmesh forecast`: what is asked, what is printed, and which status says what."""
# ruff: noqa: N802 (the method names are those of the contract)

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from PIL import Image
from rich.console import Console

from tests.fakes.manual_clock import ManualClock
from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_local.forecasting.curves import Curve, in_terminal, write_png
from wattmesh_local.forecasting.desk import ForecastDesk
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.testing import serve_for_test

NOW = datetime(2024, 6, 1, 10, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
_SERVICES = (
    "metering forecast planner control carbon alerting analytics usage demandresponse gateway "
    "dashboard"
)


class FakeForecast(
    forecast_pb2_grpc.ForecastServiceServicer,
    operations_pb2_grpc.OperationsServicer,  # type: ignore[misc]
):
    """A plant that cannot be forecast, loads that can; a training that ends at the second look."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.looks = 0
        self.naive = 0.5
        self.error = ""

    async def IssueForecasts(self, request: Any, context: Any) -> Any:
        self.asked.append(request)
        answer = forecast_pb2.IssueForecastsResponse()
        result = answer.results.add(asset=request.assets[0])
        if request.assets[0].endswith("/pv"):
            result.failure.message = "too few readings"
            return answer
        count = time_range_from_proto(request.range).count(request.resolution.ToTimedelta())
        result.forecast.asset, result.forecast.source = request.assets[0], "seasonal"
        result.forecast.start_time.CopyFrom(request.range.start_time)
        result.forecast.resolution.CopyFrom(request.resolution)
        for ratio in request.quantile_ratios:
            result.forecast.quantiles.add(ratio=ratio, values=[2000 * ratio] * count)
        return answer

    async def EvaluateForecasts(self, request: Any, context: Any) -> Any:
        self.asked.append(request)
        return forecast_pb2.EvaluateForecastsResponse(
            wape_ratio=0.4,
            naive_wape_ratio=self.naive,
            coverage_ratio=0.81,
            compared=96,
            forecasts_by_source={"seasonal": 4},
        )

    async def TrainModel(self, request: Any, context: Any) -> Any:
        self.asked.append(request)
        return forecast_pb2.TrainModelResponse(operation="operations/one")

    async def GetOperation(self, request: Any, context: Any) -> Any:
        self.looks += 1
        operation = operations_pb2.Operation(name=request.name, done=self.looks > 1)
        operation.metadata.Pack(forecast_pb2.TrainModelMetadata(progress_ratio=0.5, stage="learn"))
        if operation.done and self.error:
            operation.error.message = self.error
        elif operation.done:
            model = forecast_pb2.Model(
                name="models/load/versions/2",
                holdout_wape_ratio=0.3,
                holdout_naive_wape_ratio=0.4,
            )
            operation.response.Pack(forecast_pb2.TrainModelResult(model=model))
        return operation


class FakeSites(site_service_pb2_grpc.SiteServiceServicer):
    """Homes in Berlin."""

    async def GetSite(self, request: Any, context: Any) -> Any:
        answer = site_service_pb2.GetSiteResponse()
        answer.site.name, answer.site.time_zone = request.name, "Europe/Berlin"
        return answer


class World:
    """A desk that asks fakes, and what it printed."""

    def __init__(self, fake: FakeForecast, clients: MeshClients) -> None:
        self.fake = fake
        self._console = Console(record=True, width=150)
        self.desk = ForecastDesk(clients, ManualClock(NOW), self._console)

    @property
    def printed(self) -> str:
        return self._console.export_text()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = FakeForecast()
    async with (
        serve_for_test(
            partial(forecast_pb2_grpc.add_ForecastServiceServicer_to_server, fake),
            partial(operations_pb2_grpc.add_OperationsServicer_to_server, fake),
            partial(site_service_pb2_grpc.add_SiteServiceServicer_to_server, FakeSites()),  # type: ignore[abstract]
        ) as target,
        MeshClients(dict.fromkeys(_SERVICES.split(), target), None) as clients,
    ):
        yield World(fake, clients)


async def test_a_forecast_is_a_plot_and_a_table_by_the_clock_of_its_site(
    world: World, tmp_path: Path
) -> None:
    png = tmp_path / "load.png"

    status = await world.desk.show("home-1/load", 6 * HOUR, HOUR, png)

    printed = world.printed
    assert status == 0
    assert world.fake.asked[0].assets == ["sites/home-1/assets/load"]
    assert "from 2024-06-01 13:00, seasonal" in printed  # 11:00 UTC
    assert "█" in printed
    assert "1.800" in printed
    with Image.open(png) as image:
        assert image.size == (1200, 480)


async def test_what_cannot_be_forecast_is_said_with_its_reason(world: World) -> None:
    assert await world.desk.show("sites/home-1/assets/pv", 6 * HOUR, HOUR, None) == 1
    assert "too few readings" in world.printed


async def test_a_backtest_says_by_its_status_whether_yesterday_would_have_done(
    world: World,
) -> None:
    better = await world.desk.backtest(["home-1/load", "home-2/load"], 24 * HOUR)
    world.fake.naive = 0.3
    worse = await world.desk.backtest(["home-1/load"], 24 * HOUR)

    assert (better, worse) == (0, 1)
    printed = world.printed
    assert "0.400" in printed
    assert "81%" in printed
    assert "seasonal 4" in printed


async def test_a_training_is_followed_to_its_end_and_its_failure_is_said(world: World) -> None:
    assert await world.desk.train("load", ["home-1/load"], 30 * 24 * HOUR) == 0
    assert "models/load/versions/2: WAPE 0.300" in world.printed

    world.fake.looks, world.fake.error = 0, "the seasonal forecast is better"
    with pytest.raises(FailedPrecondition, match="seasonal forecast is better"):
        await world.desk.train("load", ["home-1/load"], 30 * 24 * HOUR)


async def test_a_name_without_an_asset_is_refused(world: World) -> None:
    with pytest.raises(InvalidArgument, match="home-1/load"):
        await world.desk.show("home-1", HOUR, HOUR, None)


@pytest.mark.parametrize("scale", [0.0, 1.0, -3.0])
def test_loads_plants_and_nothing_at_all_can_be_plotted(scale: float, tmp_path: Path) -> None:
    shape = scale * np.sin(np.linspace(0, np.pi, 96))
    curve = Curve(
        title="x",
        start=NOW,
        resolution=timedelta(minutes=15),
        zone=ZoneInfo("UTC"),
        low_kw=shape - 0.1 * abs(scale),
        middle_kw=shape,
        high_kw=shape + 0.1 * abs(scale),
    )

    write_png(curve, tmp_path / "x.png")
    lines = in_terminal(curve).plain.splitlines()

    assert len(lines) == 12
    assert sum(line.count("█") for line in lines) == 96
    assert "10:20" in lines[-1]
