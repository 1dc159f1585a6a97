"""wattmesh.metering.v1.MeteringService."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_kernel.checks import require
from wattmesh_metering.api.convert_edits import (
    correction_from_proto,
    exchange_from_proto,
    flag_query_from_proto,
    flag_to_proto,
    outcome_to_proto,
    why_from_proto,
)
from wattmesh_metering.api.convert_lists import no_filter, page_from_proto
from wattmesh_metering.api.convert_query import (
    energies_to_proto,
    energy_query_from_proto,
    quantity_to_proto,
    question_from_proto,
    questions_from_proto,
    series_answer_to_proto,
    series_response_to_proto,
    statistics_to_proto,
)
from wattmesh_metering.api.convert_readings import (
    answer_to_proto,
    batch_from_proto,
    newest_to_proto,
    reading_to_proto,
)
from wattmesh_metering.api.fields import present, require_present
from wattmesh_metering.app.edit_readings import EditReadings
from wattmesh_metering.app.ingest import Ingest
from wattmesh_metering.app.ingest_statistics import GetIngestStatistics
from wattmesh_metering.app.latest_readings import GetLatestReadings
from wattmesh_metering.app.list_quantities import list_quantities
from wattmesh_metering.app.query_energy import QueryEnergy
from wattmesh_metering.app.query_series import QuerySeries
from wattmesh_metering.app.watch_readings import WatchReadings
from wattmesh_metering.domain.readings import ReadingBatch
from wattmesh_metering.domain.selectors import PointSelector

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
    edit_readings: EditReadings


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
        answer = await self._use.query_series.run(question_from_proto(request))
        return series_response_to_proto(answer)

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
        energies = await self._use.query_energy.run(*energy_query_from_proto(request))
        return metering_pb2.QueryEnergyResponse(energies=energies_to_proto(energies, request))

    async def StreamEnergy(  # noqa: N802
        self, request: metering_pb2.StreamEnergyRequest, context: Context
    ) -> AsyncIterator[metering_pb2.StreamEnergyResponse]:
        """Stream energies of assets in bounded pieces."""
        asked = energy_query_from_proto(request.query)
        async with aclosing(self._use.query_energy.stream(*asked)) as pieces:
            async for energies in pieces:
                found = energies_to_proto(energies, request.query)
                yield metering_pb2.StreamEnergyResponse(energies=found)

    async def GetLatestReadings(  # noqa: N802
        self, request: metering_pb2.GetLatestReadingsRequest, context: Context
    ) -> metering_pb2.GetLatestReadingsResponse:
        """Return the newest reading of each point asked for."""
        newest = await self._use.latest_readings.run(_selectors(request))
        return metering_pb2.GetLatestReadingsResponse(readings=newest_to_proto(newest))

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

    async def ListReadingFlags(  # noqa: N802
        self, request: metering_pb2.ListReadingFlagsRequest, context: Context
    ) -> metering_pb2.ListReadingFlagsResponse:
        """List what validation found."""
        page = await self._use.edit_readings.flags(
            PointSelector.parse(request.parent),
            flag_query_from_proto(request),
            page_from_proto(request),
        )
        return metering_pb2.ListReadingFlagsResponse(
            flags=map(flag_to_proto, page.items), next_page_token=page.next_token
        )

    async def CorrectReadings(  # noqa: N802
        self, request: metering_pb2.CorrectReadingsRequest, context: Context
    ) -> metering_pb2.CorrectReadingsResponse:
        """Put values in the place of readings."""
        correction = correction_from_proto(request)
        return outcome_to_proto(
            await self._use.edit_readings.correct(correction, why_from_proto(request))
        )

    async def DeclareExchange(  # noqa: N802
        self, request: metering_pb2.DeclareExchangeRequest, context: Context
    ) -> metering_pb2.DeclareExchangeResponse:
        """Say that a meter was exchanged."""
        exchange = exchange_from_proto(request)
        await self._use.edit_readings.declare(exchange, why_from_proto(request))
        return metering_pb2.DeclareExchangeResponse()

    async def ReplayValidation(  # noqa: N802
        self, request: metering_pb2.ReplayValidationRequest, context: Context
    ) -> metering_pb2.ReplayValidationResponse:
        """Judge readings again."""
        require_present(request, "range")
        span = time_range_from_proto(request.range, "range")
        replayed = await self._use.edit_readings.replay(_selectors(request), span)
        return metering_pb2.ReplayValidationResponse(
            raised=replayed.raised, cleared=replayed.cleared, substituted=replayed.substituted
        )

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
    request: metering_pb2.GetLatestReadingsRequest
    | metering_pb2.WatchReadingsRequest
    | metering_pb2.ReplayValidationRequest,
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
