"""What is expected, from forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.forecast.v1 import ensemble_pb2, forecast_pb2, forecast_pb2_grpc
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    duration_to_proto,
    time_range_to_proto,
)
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import ForecastAnswer
from wattmesh_planner.domain.facts import Reason, Topic, Why
from wattmesh_planner.domain.inputs import AssetForecast
from wattmesh_planner.domain.spread import spread_of
from wattmesh_runtime.errors import rpc_errors

_MEDIAN = 0.5
_ASSUMED = "assumed"
"""Source of a forecast of what was measured for less than a day."""

_REASONS = {
    forecast_pb2.FORECAST_FAILURE_REASON_UNKNOWN_ASSET: Reason.NOT_AVAILABLE,
    forecast_pb2.FORECAST_FAILURE_REASON_KIND_NOT_FORECAST: Reason.NOT_AVAILABLE,
    forecast_pb2.FORECAST_FAILURE_REASON_NO_HISTORY: Reason.NEVER_REPORTED,
    forecast_pb2.FORECAST_FAILURE_REASON_HISTORY_UNAVAILABLE: Reason.SERVICE_UNAVAILABLE,
    forecast_pb2.FORECAST_FAILURE_REASON_INCOMPLETE_SITE_MODEL: Reason.INCOMPLETE_SITE_MODEL,
    forecast_pb2.FORECAST_FAILURE_REASON_INTERNAL: Reason.NOT_AVAILABLE,
}


class GrpcForecaster:
    """Asks forecast; the plan is made for the median."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = forecast_pb2_grpc.ForecastServiceStub(channel)

    async def forecast(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        within_seconds: float,
        members: int = 0,
    ) -> Mapping[AssetId, ForecastAnswer]:
        """Return the expected power of each asset, or why it is not known, for each its own."""
        by_name = {asset.name: asset for asset in assets}
        asked = {
            "assets": by_name,
            "range": time_range_to_proto(span),
            "resolution": duration_to_proto(resolution),
        }
        with rpc_errors():
            if members:
                ensemble = await self._stub.IssueEnsemble(
                    ensemble_pb2.IssueEnsembleRequest(**asked, member_count=members),  # type: ignore[arg-type]
                    timeout=within_seconds,
                )
                drawn = [each for each in ensemble.results if each.asset in by_name]
                return {by_name[each.asset]: _members_from_proto(each, span) for each in drawn}
            answer = await self._stub.IssueForecasts(
                forecast_pb2.IssueForecastsRequest(**asked),  # type: ignore[arg-type]
                timeout=within_seconds,
            )
        results = [each for each in answer.results if each.asset in by_name]
        return {by_name[each.asset]: _answer_from_proto(each, span) for each in results}


def reason_of(reason: forecast_pb2.ForecastFailureReason.ValueType) -> Reason:
    """Return why something is not known, of what forecast gives as its reason."""
    return _REASONS.get(reason, Reason.NOT_AVAILABLE)


def _answer_from_proto(result: forecast_pb2.AssetForecast, span: TimeRange) -> ForecastAnswer:
    if result.WhichOneof("result") == "forecast" and result.forecast.quantiles:
        return _forecast_from_proto(result.forecast, span)
    return _why(result.failure)


def _members_from_proto(result: forecast_pb2.AssetEnsemble, span: TimeRange) -> ForecastAnswer:
    """Return a forecast with its members; without them where they do not cover all of it."""
    if result.WhichOneof("result") != "members" or not result.members.forecast.quantiles:
        return _why(result.failure)
    proto = result.members.forecast
    forecast = _forecast_from_proto(proto, span)
    start, resolution = datetime_from_proto(proto.start_time), duration_from_proto(proto.resolution)
    drawn = [
        Series(start, resolution, np.array(each.values_w)).window(span).values
        for each in result.members.members
    ]
    members_w = np.array(drawn)
    return replace(forecast, members_w=members_w if np.isfinite(members_w).all() else None)


def _why(failure: forecast_pb2.ForecastFailure) -> Why:
    reason = reason_of(failure.reason)
    return Why(topic=Topic.FORECAST, reason=reason, detail=failure.message)


def _forecast_from_proto(forecast: forecast_pb2.Forecast, span: TimeRange) -> AssetForecast:
    """Return the median over `span`, NaN where the forecast says nothing.

    What was measured for less than a day is assumed to go on as it has been: its quantiles are
    those of that day, and say nothing of how far beyond them it may go.
    """
    median = min(forecast.quantiles, key=lambda quantile: abs(quantile.ratio - _MEDIAN))
    power_w = Series(
        datetime_from_proto(forecast.start_time),
        duration_from_proto(forecast.resolution),
        np.array(median.values),
    )
    columns = {each.ratio: np.array(each.values) for each in forecast.quantiles}
    spread = spread_of(columns)
    deviation_w, above_w = (
        (None, None)
        if spread is None
        else tuple(power_w.with_values(each).window(span) for each in spread)
    )
    return AssetForecast(
        power_w=power_w.window(span),
        source=forecast.source,
        deviation_w=deviation_w,
        above_w=None if forecast.source == _ASSUMED else above_w,
    )
