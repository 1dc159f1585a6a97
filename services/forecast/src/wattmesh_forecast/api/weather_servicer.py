"""wattmesh.weather.v1.WeatherService."""
# ruff: noqa: N802 (the method names are those of the contract)

from dataclasses import dataclass

import grpc

from wattmesh.weather.v1 import weather_service_pb2 as pb
from wattmesh.weather.v1 import weather_service_pb2_grpc
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_forecast.api.convert_weather import (
    answer_to_proto,
    head_to_proto,
    position_from_token,
    question_from_proto,
    report_to_proto,
    reports_from_proto,
    source_from_proto,
    source_merge,
    source_to_proto,
    token_from_position,
)
from wattmesh_forecast.app.weather.query import QueryWeather
from wattmesh_forecast.app.weather.reports import WeatherReports
from wattmesh_forecast.app.weather.sources import KeepWeatherSources
from wattmesh_kernel.checks import require

Context = grpc.aio.ServicerContext[object, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherUseCases:
    """What the service does."""

    sources: KeepWeatherSources
    reports: WeatherReports
    query: QueryWeather


class WeatherServicer(weather_service_pb2_grpc.WeatherServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: WeatherUseCases) -> None:
        self._do = use_cases

    async def CreateWeatherSource(
        self, request: pb.CreateWeatherSourceRequest, context: Context
    ) -> pb.CreateWeatherSourceResponse:
        """Create a source."""
        source = source_from_proto(request.weather_source)
        kept = await self._do.sources.create(source, request.request_id)
        return pb.CreateWeatherSourceResponse(weather_source=source_to_proto(kept))

    async def GetWeatherSource(
        self, request: pb.GetWeatherSourceRequest, context: Context
    ) -> pb.GetWeatherSourceResponse:
        """Return one source."""
        kept = await self._do.sources.get(request.name)
        return pb.GetWeatherSourceResponse(weather_source=source_to_proto(kept))

    async def ListWeatherSources(
        self, request: pb.ListWeatherSourcesRequest, context: Context
    ) -> pb.ListWeatherSourcesResponse:
        """List sources by name."""
        require(not request.parent, "INVALID_PARENT", "sources have no parent", "parent")
        page, token = await self._do.sources.list(request.page_size, request.page_token)
        return pb.ListWeatherSourcesResponse(
            weather_sources=map(source_to_proto, page), next_page_token=token
        )

    async def UpdateWeatherSource(
        self, request: pb.UpdateWeatherSourceRequest, context: Context
    ) -> pb.UpdateWeatherSourceResponse:
        """Change a source."""
        given = request.weather_source
        merge = source_merge(given, request.update_mask.paths)
        kept = await self._do.sources.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateWeatherSourceResponse(weather_source=source_to_proto(kept))

    async def DeleteWeatherSource(
        self, request: pb.DeleteWeatherSourceRequest, context: Context
    ) -> pb.DeleteWeatherSourceResponse:
        """End a source; its reports stay."""
        await self._do.sources.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteWeatherSourceResponse()

    async def GetWeatherReport(
        self, request: pb.GetWeatherReportRequest, context: Context
    ) -> pb.GetWeatherReportResponse:
        """Return one report."""
        report = await self._do.reports.get(request.name)
        return pb.GetWeatherReportResponse(weather_report=report_to_proto(report))

    async def ListWeatherReports(
        self, request: pb.ListWeatherReportsRequest, context: Context
    ) -> pb.ListWeatherReportsResponse:
        """List reports without their series, the newest issue first."""
        within = request.HasField("range")
        span = time_range_from_proto(request.range, "range") if within else None
        after = position_from_token(request.page_token)
        page, ended = await self._do.reports.list(request.parent, span, request.page_size, after)
        return pb.ListWeatherReportsResponse(
            weather_reports=map(head_to_proto, page), next_page_token=token_from_position(ended)
        )

    async def PublishWeather(
        self, request: pb.PublishWeatherRequest, context: Context
    ) -> pb.PublishWeatherResponse:
        """Keep what a source told."""
        reports = reports_from_proto(request)
        names = await self._do.reports.publish(request.parent, reports, request.request_id)
        return pb.PublishWeatherResponse(names=names)

    async def QueryWeather(
        self, request: pb.QueryWeatherRequest, context: Context
    ) -> pb.QueryWeatherResponse:
        """Return the weather as it was known at a time."""
        return answer_to_proto(await self._do.query(question_from_proto(request)))
