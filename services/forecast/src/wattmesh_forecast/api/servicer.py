"""wattmesh.forecast.v1.ForecastService."""
# ruff: noqa: N802 (the method names are those of the contract)

from dataclasses import dataclass

import grpc

from wattmesh.forecast.v1 import ensemble_pb2, forecast_pb2, forecast_pb2_grpc
from wattmesh_contracts.values import optional_datetime_from_proto, time_range_from_proto
from wattmesh_forecast.api.convert import (
    assets_from_proto,
    evaluation_to_proto,
    forecast_to_proto,
    is_about_occupancy,
    model_name_from_parent,
    model_to_proto,
    optional_range,
    order_from_proto,
    outcome_to_proto,
    position_from_token,
    token_from_position,
    wanted_from_proto,
)
from wattmesh_forecast.api.convert_ensemble import ensemble_to_proto, ensemble_wanted
from wattmesh_forecast.api.convert_thermal import outlook_to_proto, outlooks_wanted
from wattmesh_forecast.app.evaluate import EvaluateForecasts
from wattmesh_forecast.app.issue_ensemble import IssueEnsemble
from wattmesh_forecast.app.issue_together import Issue
from wattmesh_forecast.app.list_forecasts import ListForecasts
from wattmesh_forecast.app.list_models import ListModels
from wattmesh_forecast.app.thermal_outlooks import IssueThermalOutlooks
from wattmesh_forecast.app.train import TrainModel
from wattmesh_kernel.ids import AssetId

Context = grpc.aio.ServicerContext[object, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class UseCases:
    """What the service does."""

    issue: Issue
    occupancy: Issue
    ensemble: IssueEnsemble
    list: ListForecasts
    evaluate: EvaluateForecasts
    train: TrainModel
    models: ListModels
    outlooks: IssueThermalOutlooks


class ForecastServicer(forecast_pb2_grpc.ForecastServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: UseCases) -> None:
        self._do = use_cases

    async def IssueForecasts(
        self, request: forecast_pb2.IssueForecastsRequest, context: Context
    ) -> forecast_pb2.IssueForecastsResponse:
        """Issue, store and return forecasts."""
        issue = self._do.occupancy if is_about_occupancy(request) else self._do.issue
        outcomes = await issue(wanted_from_proto(request))
        return forecast_pb2.IssueForecastsResponse(results=map(outcome_to_proto, outcomes))

    async def IssueEnsemble(
        self, request: ensemble_pb2.IssueEnsembleRequest, context: Context
    ) -> forecast_pb2.IssueEnsembleResponse:
        """Issue forecasts, and draw joint members from them."""
        wanted, draw = ensemble_wanted(request)
        return ensemble_to_proto(await self._do.ensemble(wanted, draw), draw)

    async def IssueThermalOutlooks(
        self, request: forecast_pb2.IssueThermalOutlooksRequest, context: Context
    ) -> forecast_pb2.IssueThermalOutlooksResponse:
        """Say how zones and tanks will answer to their plants."""
        outlooks = await self._do.outlooks(outlooks_wanted(request))
        return forecast_pb2.IssueThermalOutlooksResponse(outlooks=map(outlook_to_proto, outlooks))

    async def GetForecast(
        self, request: forecast_pb2.GetForecastRequest, context: Context
    ) -> forecast_pb2.GetForecastResponse:
        """Return one issued forecast."""
        forecast = await self._do.list.get(request.name)
        return forecast_pb2.GetForecastResponse(forecast=forecast_to_proto(forecast))

    async def ListForecasts(
        self, request: forecast_pb2.ListForecastsRequest, context: Context
    ) -> forecast_pb2.ListForecastsResponse:
        """Return a page of issued forecasts, newest first."""
        asset, after = AssetId.parse(request.parent), position_from_token(request.page_token)
        page = await self._do.list(asset, optional_range(request), request.page_size, after)
        return forecast_pb2.ListForecastsResponse(
            forecasts=map(forecast_to_proto, page.forecasts),
            next_page_token=token_from_position(page.next),
        )

    async def EvaluateForecasts(
        self, request: forecast_pb2.EvaluateForecastsRequest, context: Context
    ) -> forecast_pb2.EvaluateForecastsResponse:
        """Compare issued forecasts with what came."""
        issued = time_range_from_proto(request.issue_range, "issue_range")
        by = optional_datetime_from_proto(
            request.measured_by_time, present=request.HasField("measured_by_time")
        )
        evaluation = await self._do.evaluate(assets_from_proto(request.assets), issued, by)
        return evaluation_to_proto(evaluation)

    async def TrainModel(
        self, request: forecast_pb2.TrainModelRequest, context: Context
    ) -> forecast_pb2.TrainModelResponse:
        """Begin a training."""
        training = await self._do.train(order_from_proto(request))
        return forecast_pb2.TrainModelResponse(operation=training.name)

    async def GetModel(
        self, request: forecast_pb2.GetModelRequest, context: Context
    ) -> forecast_pb2.GetModelResponse:
        """Return one trained version."""
        model = await self._do.models.get(request.name)
        return forecast_pb2.GetModelResponse(model=model_to_proto(model))

    async def ListModels(
        self, request: forecast_pb2.ListModelsRequest, context: Context
    ) -> forecast_pb2.ListModelsResponse:
        """Return the trained versions."""
        model = model_name_from_parent(request.parent)
        models = await self._do.models(request.page_size, request.page_token, model)
        return forecast_pb2.ListModelsResponse(
            models=map(model_to_proto, models.models), next_page_token=models.next
        )
