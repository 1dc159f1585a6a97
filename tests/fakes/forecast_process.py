"""Forecast as it runs, in this process, on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import numpy as np
from google.longrunning import operations_pb2_grpc

from tests.fakes.eventually import within
from tests.fakes.forecast_assets import START, load_hours, pv_hours
from tests.fakes.manual_clock import ManualClock
from tests.fakes.metered_homes import MeteredHomes
from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.settings import ForecastSettings
from wattmesh_forecast.wiring import wire
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import channel_for_test, serve_for_test

LOAD, PV, BATTERY = (AssetId(SiteId("home-1"), name) for name in ("load", "pv", "battery"))


def metered_home(days: int) -> MeteredHomes:
    """A home whose meters began so many days ago and will go on for two more."""
    load, pv = load_hours(days + 2, ahead=0), pv_hours(days + 2, ahead=0)
    power = {LOAD: load.power_w, PV: -pv.power_w, BATTERY: np.zeros(len(load.power_w))}
    series = {asset: Series(START, HOUR, watts) for asset, watts in power.items()}
    return MeteredHomes(power_w=series)  # type: ignore[abstract]


@dataclass(kw_only=True)
class ForecastWorld:
    """A running forecast service, and what is around it."""

    clock: ManualClock
    metering: MeteredHomes
    metering_target: str
    stub: Any
    operations: Any
    channel: grpc.aio.Channel

    async def until_known(self, *assets: AssetId) -> None:
        """Wait until the service has heard of assets."""
        async with within(10):
            for asset in assets:
                while not await self._knows(asset):
                    await asyncio.sleep(0.02)

    async def _knows(self, asset: AssetId) -> bool:
        """Ask something that issues nothing."""
        request = forecast_pb2.EvaluateForecastsRequest(
            assets=[asset.name],
            issue_range=time_range_to_proto(TimeRange.of(self.clock.now(), HOUR)),
        )
        try:
            await self.stub.EvaluateForecasts(request)
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.INVALID_ARGUMENT  # known, but of another kind
        return True

    async def results(self, *assets: AssetId, hours: int = 24) -> list[forecast_pb2.AssetForecast]:
        """Issue forecasts from the next hour on; return what became of each."""
        start = self.clock.now().replace(minute=0) + HOUR
        answer = await self.stub.IssueForecasts(
            forecast_pb2.IssueForecastsRequest(
                assets=[asset.name for asset in assets],
                range=time_range_to_proto(TimeRange.of(start, timedelta(hours=hours))),
                resolution=duration_to_proto(HOUR),
            )
        )
        return list(answer.results)

    async def issue(self, *assets: AssetId, hours: int = 24) -> list[forecast_pb2.Forecast]:
        """Issue forecasts from the next hour on, all of which must come."""
        results = await self.results(*assets, hours=hours)
        assert all(result.HasField("forecast") for result in results), results
        return [result.forecast for result in results]

    async def sources(self, *assets: AssetId) -> list[str]:
        """Issue forecasts and return who made them."""
        return [forecast.source for forecast in await self.issue(*assets)]


@asynccontextmanager
async def running_forecast(
    database_url: str, metering: MeteredHomes, days: int, **settings: Any
) -> AsyncIterator[ForecastWorld]:
    """Run forecast, half an hour after so many days."""
    clock = ManualClock(START + timedelta(days=days, minutes=30))
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve_for_test(*metering.register))
        values = {
            "database_url": database_url,
            "metering_target": target,
            "model_server_target": "127.0.0.1:1",
            "models_directory": "/nowhere",
            "model_server_retry_seconds": 0.1,
            **settings,
        }
        parsed = ForecastSettings(**values)
        runtime = await stack.enter_async_context(Runtime(parsed, clock, Telemetry("test")))
        service = await stack.enter_async_context(wire(parsed, runtime))
        address = await stack.enter_async_context(serve_for_test(*service.register))
        tasks = [asyncio.ensure_future(task()) for task in service.tasks]
        for task in tasks:
            stack.callback(task.cancel)
        channel = await stack.enter_async_context(channel_for_test(address))
        world = ForecastWorld(
            clock=clock,
            metering=metering,
            metering_target=target,
            stub=forecast_pb2_grpc.ForecastServiceStub(channel),
            operations=operations_pb2_grpc.OperationsStub(channel),
            channel=channel,
        )
        await world.until_known(*metering.power_w)
        yield world
