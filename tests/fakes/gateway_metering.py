"""Metering as the gateway sees it: takes readings; the site model is beside it."""

from collections import Counter
from collections.abc import AsyncIterator

import grpc

from tests.fakes.site_model_service import FakeSiteModelService
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh_kernel.errors import InvalidArgument

Key = tuple[str, int]


class FakeMetering(metering_pb2_grpc.MeteringServiceServicer):
    """Keeps the first value of each (point, measure time), and counts how often each came.

    `mute`: batches are taken in, but neither kept nor acknowledged. `refuse`: points whose
    readings are rejected. `poison`: points of which it refuses a whole batch.
    """

    def __init__(self) -> None:
        self.stored: dict[Key, float] = {}
        self.arrivals: Counter[Key] = Counter()
        self.sources: list[str] = []
        self.sequences: list[list[int]] = []
        self.mute = False
        self.refuse: frozenset[str] = frozenset()
        self.poison: frozenset[str] = frozenset()

    async def Ingest(  # noqa: N802
        self,
        request_iterator: AsyncIterator[metering_pb2.IngestRequest],
        context: grpc.aio.ServicerContext[metering_pb2.IngestRequest, metering_pb2.IngestResponse],
    ) -> AsyncIterator[metering_pb2.IngestResponse]:
        sequences: list[int] = []
        self.sequences.append(sequences)
        async for request in request_iterator:
            if request.HasField("hello"):
                self.sources.append(request.hello.source)
                continue
            sequences.append(request.batch.sequence)
            if self.poison.intersection(request.batch.points):
                raise InvalidArgument("INVALID_VALUE", "a value is out of bounds")
            if not self.mute:
                yield self._take(request.batch)

    def _take(self, batch: metering_pb2.ReadingBatch) -> metering_pb2.IngestResponse:
        answer = metering_pb2.IngestResponse(acked_sequence=batch.sequence)
        columns = zip(batch.point_indices, batch.measure_times_us, batch.values, strict=True)
        for row, (index, time_us, value) in enumerate(columns):
            point = batch.points[index]
            if point in self.refuse:
                answer.rejected.add(
                    sequence=batch.sequence,
                    row=row,
                    point=point,
                    reason=metering_pb2.REJECTION_REASON_UNKNOWN_POINT,
                )
                continue
            self.arrivals[point, time_us] += 1
            if (point, time_us) not in self.stored:
                self.stored[point, time_us] = value
                answer.stored += 1
            else:
                answer.duplicates += 1
        return answer


def register_metering(
    metering: FakeMetering, sites: FakeSiteModelService, server: grpc.aio.Server
) -> None:
    """Add both services of metering to a server."""
    metering_pb2_grpc.add_MeteringServiceServicer_to_server(metering, server)
    site_service_pb2_grpc.add_SiteServiceServicer_to_server(sites, server)
