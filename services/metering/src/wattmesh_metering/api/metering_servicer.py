"""wattmesh.metering.v1.MeteringService."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import series_to_proto, time_range_from_proto
from wattmesh_kernel.checks import require
from wattmesh_metering.api.convert_lists import no_filter, page_from_proto
from wattmesh_metering.api.convert_query import (
    energies_to_proto,
    intervals_from_proto,
    quantity_to_proto,
    question_from_proto,
    questions_from_proto,
    series_answer_to_proto,
    statistics_to_proto,
)
from wattmesh_metering.api.convert_readings import (
    answer_to_proto,
    batch_from_proto,
    reading_to_proto,
)
from wattmesh_metering.api.fields import present
from wattmesh_metering.app.ingest import Ingest
from wattmesh_metering.app.ingest_statistics import GetIngestStatistics
from wattmesh_metering.app.latest_readings import GetLatestReadings
from wattmesh_metering.app.list_quantities import list_quantities
from wattmesh_metering.app.query_energy import QueryEnergy
from wattmesh_metering.app.query_series import QuerySeries
from wattmesh_metering.app.watch_readings import WatchReadings
from wattmesh_metering.domain.readings import ReadingBatch
from wattmesh_metering.domain.selectors import AssetSelector, PointSelector

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteringUseCases:
    """What the servicer calls."""

    ingest: Ingest
    query_series: QuerySeries
    query_energy: QueryEnergy
    latest_readings: GetLatestReadings
    watch_readings: WatchReadings
    statistics: GetIngestStatistics


class MeteringServicer(metering_pb2_grpc.MeteringServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: MeteringUseCases) -> None:
        self._use = use_cases

    async def Ingest(  # noqa: N802
        self, request_iterator: AsyncIterator[metering_pb2.IngestRequest], context: Context
    ) -> AsyncIterator[metering_pb2.IngestResponse]:
        """Take batches and answer each once it is committed."""
        requests = aiter(request_iterator)
        source = await _read_hello(requests)
        async with aclosing(self._use.ingest.run(source, _batches(requests))) as answers:
            async for answer in answers:
                yield answer_to_proto(answer)

    async def QuerySeries(  # noqa: N802
        self, request: metering_pb2.QuerySeriesRequest, context: Context
    ) -> metering_pb2.QuerySeriesResponse:
        """Return one point's readings as a regular series."""
        series = await self._use.query_series.run(question_from_proto(request))
        return metering_pb2.QuerySeriesResponse(series=series_to_proto(series))

    async def BatchQuerySeries(  # noqa: N802
        self, request: metering_pb2.BatchQuerySeriesRequest, context: Context
    ) -> metering_pb2.BatchQuerySeriesResponse:
        """Return many points' readings as regular series."""
        answers = await self._use.query_series.each(questions_from_proto(request))
        return metering_pb2.BatchQuerySeriesResponse(answers=map(series_answer_to_proto, answers))

    async def QueryEnergy(  # noqa: N802
        self, request: metering_pb2.QueryEnergyRequest, context: Context
    ) -> metering_pb2.QueryEnergyResponse:
        """Return energies of assets per interval."""
        intervals = intervals_from_proto(request)
        energies = await self._use.query_energy.run(
            [AssetSelector.parse(name) for name in request.assets], intervals
        )
        return energies_to_proto(energies, intervals)

    async def GetLatestReadings(  # noqa: N802
        self, request: metering_pb2.GetLatestReadingsRequest, context: Context
    ) -> metering_pb2.GetLatestReadingsResponse:
        """Return the newest reading of each point asked for."""
        readings = await self._use.latest_readings.run(_selectors(request))
        return metering_pb2.GetLatestReadingsResponse(readings=map(reading_to_proto, readings))

    async def WatchReadings(  # noqa: N802
        self, request: metering_pb2.WatchReadingsRequest, context: Context
    ) -> AsyncIterator[metering_pb2.WatchReadingsResponse]:
        """Stream readings as they are kept."""
        async with aclosing(self._use.watch_readings.run(_selectors(request))) as watched:
            async for readings in watched:
                yield metering_pb2.WatchReadingsResponse(readings=map(reading_to_proto, readings))

    async def GetIngestStatistics(  # noqa: N802
        self, request: metering_pb2.GetIngestStatisticsRequest, context: Context
    ) -> metering_pb2.GetIngestStatisticsResponse:
        """Count what was ingested."""
        span = time_range_from_proto(request.range, "range") if present(request, "range") else None
        return statistics_to_proto(await self._use.statistics.run(request.source, span))

    async def ListQuantities(  # noqa: N802
        self, request: metering_pb2.ListQuantitiesRequest, context: Context
    ) -> metering_pb2.ListQuantitiesResponse:
        """List what points can measure."""
        no_filter(request.parent)
        page = list_quantities(page_from_proto(request))
        return metering_pb2.ListQuantitiesResponse(
            quantities=map(quantity_to_proto, page.items), next_page_token=page.next_token
        )


def _selectors(
    request: metering_pb2.GetLatestReadingsRequest | metering_pb2.WatchReadingsRequest,
) -> list[PointSelector]:
    return [PointSelector.parse(name) for name in request.points]


async def _read_hello(requests: AsyncIterator[metering_pb2.IngestRequest]) -> str:
    """Return the source of a stream; InvalidArgument unless it opens with a hello."""
    first = await anext(requests, metering_pb2.IngestRequest())
    require(
        first.WhichOneof("message") == "hello",
        "HELLO_EXPECTED",
        "a stream opens with hello",
        "hello",
    )
    return first.hello.source


async def _batches(
    requests: AsyncIterator[metering_pb2.IngestRequest],
) -> AsyncIterator[ReadingBatch]:
    async for request in requests:
        require(
            request.WhichOneof("message") == "batch",
            "MISSING_FIELD",
            "after hello a stream carries batches",
            "batch",
        )
        yield batch_from_proto(request.batch)
