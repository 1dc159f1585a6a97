"""Forecast with a home that was metered for a month, and no model server."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import grpc
from google.longrunning import operations_pb2

from tests.fakes.eventually import eventually
from tests.fakes.forecast_assets import START
from tests.fakes.forecast_process import LOAD, PV, metered_home
from tests.fuzz.contents import Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.forecast.v1 import ensemble_pb2, forecast_pb2_grpc
from wattmesh.forecast.v1 import forecast_pb2 as pb
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_forecast.settings import ForecastSettings
from wattmesh_forecast.wiring import wire
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.operations import SERVICE_NAME as _OPERATIONS
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.testing import serve_for_test

_SERVICE = "wattmesh.forecast.v1.ForecastService"
_DAYS = 30
_NOW = START + timedelta(days=_DAYS, minutes=30)


class ForecastWorld(World):
    """A metering with a past; a training fails when it starts, for it has no threads."""

    name: ClassVar[str] = "forecast"
    services: ClassVar[tuple[str, ...]] = (_SERVICE, _OPERATIONS)

    def __init__(self, database_url: str, metering: str, folder: Path) -> None:
        self._settings = {
            "database_url": database_url,
            "clock": clock_from(_NOW),
            "metering_target": metering,
            "model_server_target": "127.0.0.1:1",
            "models_directory": str(folder / "models"),
            "training_threads": "0",
        }
        self._forecasts: list[str] = []
        self._trainings: list[str] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[ForecastSettings]:
        return ForecastSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Have forecasts that were issued, and a training."""
        stub = forecast_pb2_grpc.ForecastServiceStub(channel)

        async def issued() -> bool:
            try:
                answer = await stub.IssueForecasts(_issue(), wait_for_ready=True)
            except grpc.aio.AioRpcError:  # it has not heard of the site model yet
                return False
            self._forecasts = [each.forecast.name for each in answer.results]
            return all(self._forecasts)

        await eventually(issued, 60)
        if not self._trainings:
            self._trainings.append((await stub.TrainModel(_train("first"))).operation)

    def seeds(self, turn: int) -> Seeds:
        span = time_range_to_proto(TimeRange.of(_NOW - HOUR, 48 * HOUR))
        operation = self._trainings[0]
        forecast: dict[str, Sequence[Any]] = {
            "IssueForecasts": [_issue()],
            "IssueEnsemble": [_ensemble()],
            "ListForecasts": [
                pb.ListForecastsRequest(parent=LOAD.name, page_size=1, issue_range=span)
            ],
            "EvaluateForecasts": [
                pb.EvaluateForecastsRequest(assets=[LOAD.name], issue_range=span)
            ],
            "GetForecast": [pb.GetForecastRequest(name=name) for name in self._forecasts],
            "TrainModel": [_train("first")],
            "ListModels": [pb.ListModelsRequest(page_size=1)],
        }
        operations: dict[str, Sequence[Any]] = {
            "GetOperation": [operations_pb2.GetOperationRequest(name=operation)],
            "ListOperations": [
                operations_pb2.ListOperationsRequest(name="operations", page_size=1)
            ],
            "WaitOperation": [operations_pb2.WaitOperationRequest(name=operation)],
            "CancelOperation": [operations_pb2.CancelOperationRequest(name=operation)],
        }
        return {**unary_seeds(_SERVICE, forecast), **unary_seeds(_OPERATIONS, operations)}

    def words(self, turn: int) -> Sequence[str]:
        return (LOAD.name, PV.name, "load", "pv", "models/load/versions/1", *self._forecasts)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[ForecastWorld]:
    """Give forecast's surroundings."""
    async with serve_for_test(*metered_home(_DAYS).register) as target:
        yield ForecastWorld(database_url, target, folder)


def _issue() -> pb.IssueForecastsRequest:
    start = _NOW.replace(minute=0) + HOUR
    return pb.IssueForecastsRequest(
        assets=[LOAD.name, PV.name],
        range=time_range_to_proto(TimeRange.of(start, 24 * HOUR)),
        resolution=duration_to_proto(HOUR),
        quantile_ratios=[0.1, 0.5, 0.9],
    )


def _ensemble() -> ensemble_pb2.IssueEnsembleRequest:
    asked = _issue()
    return ensemble_pb2.IssueEnsembleRequest(
        assets=asked.assets, range=asked.range, resolution=asked.resolution, member_count=3, seed=1
    )


def _train(request_id: str) -> pb.TrainModelRequest:
    span = TimeRange.of(START, timedelta(days=_DAYS - 1))
    return pb.TrainModelRequest(
        model="load", assets=[LOAD.name], range=time_range_to_proto(span), request_id=request_id
    )
