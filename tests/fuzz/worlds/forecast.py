"""Forecast with a home that was metered for a month, and no model server."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from tests.fakes.eventually import eventually
from tests.fakes.forecast_assets import START
from tests.fakes.forecast_process import LOAD, PV, metered_home
from tests.fuzz.contents import Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.forecast.v1 import ensemble_pb2, forecast_pb2_grpc
from wattmesh.forecast.v1 import forecast_pb2 as pb
from wattmesh.weather.v1 import weather_pb2, weather_service_pb2, weather_service_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto, timestamp_to_proto
from wattmesh_forecast.settings import ForecastSettings
from wattmesh_forecast.wiring import wire
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.operations import SERVICE_NAME as _OPERATIONS
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.testing import serve_for_test

_SERVICE = "wattmesh.forecast.v1.ForecastService"
_WEATHER = "wattmesh.weather.v1.WeatherService"
_SOURCE, _ROOF = "weather-sources/metoffice", "weather-sources/roof"
_DAYS = 30
_NOW = START + timedelta(days=_DAYS, minutes=30)


class ForecastWorld(World):
    """A metering with a past; a training fails when it starts, for it has no threads."""

    name: ClassVar[str] = "forecast"
    services: ClassVar[tuple[str, ...]] = (_SERVICE, _WEATHER, _OPERATIONS)

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
        self._reports: list[str] = []

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
        weather = weather_service_pb2_grpc.WeatherServiceStub(channel)
        told = self._weather(time_range_to_proto(TimeRange.of(_NOW, HOUR)))
        await weather.UpdateWeatherSource(told["UpdateWeatherSource"][0])
        self._reports = list((await weather.PublishWeather(told["PublishWeather"][0])).names)
        if not self._trainings:
            ordered = (await stub.TrainModel(_train("first"))).operation
            # Its process says why it failed: before any call is counted.
            operations = operations_pb2_grpc.OperationsStub(channel)
            await operations.WaitOperation(operations_pb2.WaitOperationRequest(name=ordered))
            self._trainings.append(ordered)

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
        return {
            **unary_seeds(_SERVICE, forecast),
            **unary_seeds(_WEATHER, self._weather(span)),
            **unary_seeds(_OPERATIONS, operations),
        }

    def _weather(self, span: Any) -> dict[str, Sequence[Any]]:
        source = weather_pb2.WeatherSource(name=_SOURCE, kind=weather_pb2.WEATHER_KIND_FORECAST)
        roof = weather_pb2.WeatherSource(name=_ROOF, kind=weather_pb2.WEATHER_KIND_OBSERVATION)
        update = weather_service_pb2.UpdateWeatherSourceRequest(
            weather_source=source, allow_missing=True
        )
        publish = weather_service_pb2.PublishWeatherRequest(
            parent=_SOURCE, weather_reports=[_report()]
        )
        query = weather_service_pb2.QueryWeatherRequest(
            site=LOAD.site.name,
            range=time_range_to_proto(TimeRange.of(_NOW.replace(minute=0), 24 * HOUR)),
            resolution=duration_to_proto(HOUR),
            climatology_allowed=True,
        )
        return {
            "CreateWeatherSource": [
                weather_service_pb2.CreateWeatherSourceRequest(weather_source=roof)
            ],
            "UpdateWeatherSource": [update],
            "GetWeatherSource": [weather_service_pb2.GetWeatherSourceRequest(name=_SOURCE)],
            "ListWeatherSources": [weather_service_pb2.ListWeatherSourcesRequest(page_size=1)],
            "DeleteWeatherSource": [weather_service_pb2.DeleteWeatherSourceRequest(name=_ROOF)],
            "PublishWeather": [publish],
            "GetWeatherReport": [
                weather_service_pb2.GetWeatherReportRequest(name=name) for name in self._reports
            ],
            "ListWeatherReports": [
                weather_service_pb2.ListWeatherReportsRequest(parent=_SOURCE, range=span)
            ],
            "QueryWeather": [query],
        }

    def words(self, turn: int) -> Sequence[str]:
        return (LOAD.name, PV.name, "load", "pv", "models/load/versions/1", *self._forecasts)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[ForecastWorld]:
    """Give forecast's surroundings."""
    async with serve_for_test(*metered_home(_DAYS).register) as target:
        yield ForecastWorld(database_url, target, folder)


def _report() -> weather_pb2.WeatherReport:
    return weather_pb2.WeatherReport(
        location=weather_pb2.Location(latitude_degrees=34.0, longitude_degrees=-117.4),
        issue_time=timestamp_to_proto(_NOW),
        series=weather_pb2.WeatherSeries(
            start_time=timestamp_to_proto(_NOW),
            resolution=duration_to_proto(HOUR),
            temperatures_celsius=[20.0, 21.0],
            winds=[weather_pb2.WindSeries(height_m=10.0, speeds_m_per_s=[3.0, 4.0])],
        ),
    )


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
