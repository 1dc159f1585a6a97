"""The stream of readings to metering's MeteringService."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.type.v1 import quality_pb2
from wattmesh_gateway.app.ports import IngestAnswer, Rejection
from wattmesh_gateway.domain.reading import Batch
from wattmesh_gateway.domain.reading_columns import ReadingColumns
from wattmesh_kernel.errors import Unavailable, WattmeshError
from wattmesh_kernel.ids import GatewayId, PointId
from wattmesh_kernel.quantities import Quality
from wattmesh_runtime.aio.spans import trace_parent
from wattmesh_runtime.errors import error_from_rpc, rpc_errors

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_QUALITIES = {
    Quality.MEASURED: quality_pb2.QUALITY_MEASURED,
    Quality.ESTIMATED: quality_pb2.QUALITY_ESTIMATED,
    Quality.SUBSTITUTED: quality_pb2.QUALITY_SUBSTITUTED,
}


class GrpcMeteringUplink:
    """Opens ingestion streams as one source."""

    def __init__(self, channel: grpc.aio.Channel, gateway: GatewayId) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)
        self._gateway = gateway

    @asynccontextmanager
    async def open(self) -> AsyncIterator["GrpcIngestStream"]:
        """Open a stream and say who sends; WattmeshError when metering is away."""
        call = self._stub.Ingest()
        try:
            stream = GrpcIngestStream(call)
            hello = metering_pb2.IngestHello(source=self._gateway.name)
            await stream.write(metering_pb2.IngestRequest(hello=hello))
            yield stream
        finally:
            call.cancel()


class GrpcIngestStream:
    """One ingestion stream."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def send(self, batch: Batch) -> None:
        """Send a batch; WattmeshError when the stream has broken."""
        await self.write(metering_pb2.IngestRequest(batch=batch_to_proto(batch)))

    async def answers(self) -> AsyncIterator[IngestAnswer]:
        """Iterate over the answers until the stream ends; WattmeshError when it breaks."""
        with rpc_errors():
            async for proto in self._call:
                yield _answer_from_proto(proto)

    async def write(self, message: metering_pb2.IngestRequest) -> None:
        """Write a message; WattmeshError when the stream has broken."""
        with rpc_errors():
            try:
                await self._call.write(message)
            except asyncio.InvalidStateError as error:
                raise await self._end() from error

    async def _end(self) -> WattmeshError:
        """Return why a stream that is over has ended."""
        code = await self._call.code()
        if code is grpc.StatusCode.OK:
            return Unavailable("STREAM_ENDED", "metering ended the stream")
        first, last = await self._call.initial_metadata(), await self._call.trailing_metadata()
        return error_from_rpc(grpc.aio.AioRpcError(code, first, last))


def batch_to_proto(batch: Batch) -> metering_pb2.ReadingBatch:
    """Return a batch in columns."""
    if isinstance(batch.readings, ReadingColumns):
        return metering_pb2.ReadingBatch(
            sequence=batch.sequence,
            points=[point.name for point in batch.readings.points],
            point_indices=batch.readings.places,
            measure_times_us=batch.readings.times_us,
            values=batch.readings.values,
            trace_parent=trace_parent(),
        )
    indices: dict[PointId, int] = {}
    for reading in batch.readings:
        indices.setdefault(reading.point, len(indices))
    measured = all(each.quality is Quality.MEASURED for each in batch.readings)
    return metering_pb2.ReadingBatch(
        sequence=batch.sequence,
        points=[point.name for point in indices],
        point_indices=[indices[each.point] for each in batch.readings],
        measure_times_us=[(each.measure_time - _EPOCH) // _MICROSECOND for each in batch.readings],
        values=[each.value for each in batch.readings],
        qualities=[] if measured else [_QUALITIES[each.quality] for each in batch.readings],
        trace_parent=trace_parent(),
    )


def _answer_from_proto(proto: metering_pb2.IngestResponse) -> IngestAnswer:
    return IngestAnswer(
        acked_sequence=proto.acked_sequence,
        rejected=[
            Rejection(
                point=each.point,
                reason=metering_pb2.RejectionReason.Name(each.reason),
                message=each.message,
            )
            for each in proto.rejected
        ],
    )
