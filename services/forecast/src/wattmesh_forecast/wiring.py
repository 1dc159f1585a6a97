"""Builds forecast out of its parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import grpc

from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh.weather.v1 import weather_service_pb2, weather_service_pb2_grpc
from wattmesh_forecast.adapters.holidays import Holidays
from wattmesh_forecast.adapters.metering import GrpcHistory
from wattmesh_forecast.adapters.model_folder import ModelFolder
from wattmesh_forecast.adapters.observations import TelemetryObservations
from wattmesh_forecast.adapters.open_meteo import OpenMeteo
from wattmesh_forecast.adapters.plane import PvlibPlane
from wattmesh_forecast.adapters.point_history import GrpcPointHistory
from wattmesh_forecast.adapters.postgres_forecasts import PostgresForecastStore
from wattmesh_forecast.adapters.postgres_trainings import PostgresTrainingStore
from wattmesh_forecast.adapters.postgres_weather import PostgresWeatherStore
from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.adapters.tfserving import TensorFlowServing
from wattmesh_forecast.adapters.training_job import TrainingJob
from wattmesh_forecast.api.operations import operation_to_proto
from wattmesh_forecast.api.servicer import ForecastServicer, UseCases
from wattmesh_forecast.api.weather_servicer import WeatherServicer, WeatherUseCases
from wattmesh_forecast.app.calibrate import Calibration
from wattmesh_forecast.app.compare_versions import CompareVersions
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.evaluate import EvaluateForecasts
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.guarded_models import GuardedModels
from wattmesh_forecast.app.issue import IssueForecasts
from wattmesh_forecast.app.issue_ensemble import IssueEnsemble
from wattmesh_forecast.app.issue_occupancy import IssueOccupancy
from wattmesh_forecast.app.issue_together import IssueTogether
from wattmesh_forecast.app.kept_history import KeptHistory
from wattmesh_forecast.app.kept_weather import KeptWeather
from wattmesh_forecast.app.labelled_models import LabelledModels
from wattmesh_forecast.app.life_cycle import LifeCycle
from wattmesh_forecast.app.list_forecasts import ListForecasts
from wattmesh_forecast.app.list_models import ListModels
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import VersionLabels
from wattmesh_forecast.app.running_hour import RunningHour
from wattmesh_forecast.app.thermal_history import ThermalHistory
from wattmesh_forecast.app.thermal_outlooks import IssueThermalOutlooks
from wattmesh_forecast.app.train import TrainModel
from wattmesh_forecast.app.warm_up import WarmUp
from wattmesh_forecast.app.weather.query import QueryWeather
from wattmesh_forecast.app.weather.reports import WeatherReports
from wattmesh_forecast.app.weather.sources import KeepWeatherSources
from wattmesh_forecast.app.weather.told_ahead import ToldAhead
from wattmesh_forecast.settings import ForecastSettings
from wattmesh_kernel.clock import SystemClock
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.operations import SERVICE_NAME, OperationsServicer
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.view import SiteModelView

SHIPPED_LOAD_MODEL = Path(__file__).parent / "pretrained" / "load"
"""A load model that serves any site from its first days."""


@asynccontextmanager
async def wire(settings: ForecastSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give forecast, ready to serve; its pool is closed and its trainings ended at the end."""
    async with Database(
        settings.database_url, "forecast", limits=DatabaseLimits.of(settings)
    ) as database:
        await migrate(database, "wattmesh_forecast")
        folder = ModelFolder(settings.models_directory, settings.model_signing_key_file)
        await asyncio.to_thread(folder.install, SHIPPED_LOAD_MODEL)
        metering = runtime.channel(settings.metering_target)
        history, view = GrpcHistory(metering), SiteModelView(runtime.clock)
        follower, sites = _follower(settings, metering, view), FollowedSites(view)
        await follower.recall()
        each, sky, calendar = EachHistory(history), PvlibSky(), Holidays()
        records = PostgresWeatherStore(database)
        weather, plane = _weather(settings, records, runtime), PvlibPlane()
        if settings.weather_url is not None:
            await asyncio.to_thread(plane.load)
        past = Past(KeptHistory(each), sky, calendar, (weather, plane), RunningHour(each))
        models = _models(settings, runtime, folder)
        store, clock = PostgresForecastStore(database), runtime.clock
        trainer, trainings = TrainingJob(ToldAhead(records, sites)), PostgresTrainingStore(database)
        backwards = Past(each, sky, calendar)
        calibration = Calibration(past=backwards, models=models, clock=clock)
        observations = TelemetryObservations(runtime.telemetry)
        evaluate = EvaluateForecasts(store=store, history=history, sites=sites, clock=clock)
        issue = IssueForecasts(
            sites=sites,
            past=past,
            models=models,
            stretches=calibration,
            labels=folder,
            store=store,
            clock=clock,
            observations=observations,
        )
        points = GrpcPointHistory(metering)
        occupancy = IssueOccupancy(
            sites=sites,
            points=points,
            history=each,
            calendar=calendar,
            store=store,
            clock=clock,
            observations=observations,
        )
        async with (
            IssueTogether(issue) as issue_together,
            TrainModel(trainer=trainer, store=trainings, sites=sites, clock=clock) as train,
        ):
            use_cases = UseCases(
                issue=issue_together,
                occupancy=occupancy,
                ensemble=IssueEnsemble(issue=issue_together, sites=sites, past=past, clock=clock),
                list=ListForecasts(store),
                evaluate=evaluate,
                train=train,
                models=ListModels(folder, models, folder),
                outlooks=IssueThermalOutlooks(
                    sites, ThermalHistory(points, history), clock, calendar, weather
                ),
            )
            warm_up = WarmUp(
                sites=sites, past=past, clock=clock, most_assets=settings.warm_up_assets
            )
            life_cycle = LifeCycle(
                sites=sites,
                evaluate=evaluate,
                compare=CompareVersions(sites=sites, past=backwards, models=models, clock=clock),
                train=train,
                shelf=folder,
                news=observations,
                clock=clock,
                retrain_every=timedelta(days=settings.retrain_days),
            )
            servicer = ForecastServicer(use_cases)
            weather_servicer = WeatherServicer(
                WeatherUseCases(
                    sources=KeepWeatherSources(records),
                    reports=WeatherReports(records, weather.look_again),
                    query=QueryWeather(records, sites, clock),
                )
            )
            operations = OperationsServicer(train, operation_to_proto)
            yield Service(
                name="forecast",
                register=(
                    partial(forecast_pb2_grpc.add_ForecastServiceServicer_to_server, servicer),
                    partial(
                        weather_service_pb2_grpc.add_WeatherServiceServicer_to_server,
                        weather_servicer,
                    ),
                    operations.register,
                ),
                service_names=(
                    forecast_pb2.DESCRIPTOR.services_by_name["ForecastService"].full_name,
                    weather_service_pb2.DESCRIPTOR.services_by_name["WeatherService"].full_name,
                    SERVICE_NAME,
                ),
                dependencies=(database.dependency, *_peers(settings, runtime)),
                tasks=(
                    *(follower.run, models.keep_trying, warm_up, calibration, life_cycle),
                    weather,
                ),
            )


def _weather(
    settings: ForecastSettings, store: PostgresWeatherStore, runtime: Runtime
) -> KeptWeather:
    url = settings.weather_url
    teller = None if url is None else OpenMeteo(url, runtime.clock)
    return KeptWeather(teller=teller, store=store, clock=runtime.clock)


def _peers(settings: ForecastSettings, runtime: Runtime) -> tuple[Dependency, ...]:
    instead = "seasonal forecasts take the place of the models'"
    return (
        runtime.peer("metering", settings.metering_target),
        runtime.peer("modelhost", settings.model_server_target, without=instead),
    )


def _follower(
    settings: ForecastSettings, metering: grpc.aio.Channel, view: SiteModelView
) -> SiteModelClient:
    file = settings.site_model_file
    return SiteModelClient(metering, view, None if file is None else SiteModelFile(file))


def _models(settings: ForecastSettings, runtime: Runtime, labels: VersionLabels) -> GuardedModels:
    server = TensorFlowServing(
        runtime.channel(settings.model_server_target), settings.model_server_timeout_seconds
    )
    # A server comes back in the machine's time, whatever clock the mesh runs on.
    retry = timedelta(seconds=settings.model_server_retry_seconds)
    return GuardedModels(LabelledModels(server, labels), SystemClock(), retry)
