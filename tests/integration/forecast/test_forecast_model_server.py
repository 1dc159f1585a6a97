"""The shipped model and a training, through the local model host, which dies in between.

Everything is real: the training job in its own process, the SavedModel, the model host.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2
from google.rpc import code_pb2

from tests.fakes.eventually import within
from tests.fakes.forecast_assets import START
from tests.fakes.forecast_process import LOAD, PV, ForecastWorld, metered_home, running_forecast
from tests.fakes.modelhost_process import ModelHostProcess
from wattmesh.forecast.v1 import forecast_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange

pytestmark = pytest.mark.time_limit(600)

DAYS = 18


async def until(ask: Callable[[], Awaitable[str]], wanted: str) -> None:
    async with within(60):
        while await ask() != wanted:
            await asyncio.sleep(0.2)


async def train(world: ForecastWorld, request_id: str) -> tuple[operations_pb2.Operation, str]:
    """Order a training; return it at its end, and the name that a repeat answers."""
    order = forecast_pb2.TrainModelRequest(
        model="load",
        assets=[LOAD.name],
        range=time_range_to_proto(TimeRange(START, world.clock.now().replace(minute=0))),
        request_id=request_id,
    )
    name = (await world.stub.TrainModel(order)).operation
    asked = operations_pb2.GetOperationRequest(name=name)
    operation = await world.operations.GetOperation(asked)
    assert not operation.done
    async with within(240):
        while not operation.done:
            await asyncio.sleep(0.2)
            operation = await world.operations.GetOperation(asked)
    return operation, (await world.stub.TrainModel(order)).operation


async def test_a_model_is_served_lost_and_found_and_not_replaced_by_a_worse_one(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = metered_home(DAYS)
    async with (
        ModelHostProcess(tmp_path) as host,
        running_forecast(
            database_url,
            home,
            DAYS,
            model_server_target=host.target,
            models_directory=tmp_path,
            model_server_timeout_seconds=5,
        ) as world,
    ):
        monkeypatch.setenv("WATTMESH_METERING_TARGET", world.metering_target)
        monkeypatch.setenv("WATTMESH_MODELS_DIRECTORY", str(tmp_path))
        monkeypatch.setenv("WATTMESH_TRAINING_MEMBERS", "1")

        async def source() -> str:
            return (await world.sources(LOAD))[0]

        await until(source, "model:load/1")  # the one that comes with the service
        assert await world.sources(PV) == ["seasonal"]

        (listed,) = (await world.stub.ListModels(forecast_pb2.ListModelsRequest())).models
        assert (listed.name, listed.available) == ("models/load/versions/1", True)
        asked = forecast_pb2.GetModelRequest(name=listed.name)
        assert (await world.stub.GetModel(asked)).model == listed
        (forecast,) = await world.issue(LOAD)
        low, middle, high = (list(quantile.values) for quantile in forecast.quantiles)
        assert all(0 <= a <= b <= c for a, b, c in zip(low, middle, high, strict=True))

        operation, repeated = await train(world, "once")
        assert repeated == operation.name
        # Eleven days of noise teach nothing that their median does not know.
        assert operation.error.code == code_pb2.FAILED_PRECONDITION
        assert "the seasonal forecast by" in operation.error.message
        assert await source() == "model:load/1"

        await host.kill()
        assert await world.sources(LOAD, PV) == ["seasonal", "seasonal"]
        await host.start()
        await until(source, "model:load/1")

        world.clock.advance(timedelta(seconds=1))
        again, _ = await train(world, "twice")
        assert again.error == operation.error  # the same data and settings are trained once
        newest = await world.operations.ListOperations(
            operations_pb2.ListOperationsRequest(name="operations", page_size=1)
        )
        assert list(newest.operations) == [again]
        rest = await world.operations.ListOperations(
            operations_pb2.ListOperationsRequest(
                name="operations", page_token=newest.next_page_token
            )
        )
        assert list(rest.operations) == [operation]
        await world.operations.DeleteOperation(
            operations_pb2.DeleteOperationRequest(name=again.name)
        )
        with pytest.raises(grpc.aio.AioRpcError, match="there is no"):
            await world.operations.GetOperation(operations_pb2.GetOperationRequest(name=again.name))
