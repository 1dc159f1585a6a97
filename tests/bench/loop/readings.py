"""What the devices of the homes report, over metering's ingestion stream."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta

import grpc
import numpy as np

from tests.bench.loop.homes import POINTS, Floats, Home
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_kernel.time import EPOCH

_BATCH_ROWS = 10_000
_MICROSECOND = timedelta(microseconds=1)


async def send_readings(
    channel: grpc.aio.Channel,
    source: str,
    homes: Sequence[Home],
    times: Sequence[datetime],
    values: Floats,
) -> None:
    """Send readings by time, home and point; return when all are committed.

    Error: RuntimeError when one is refused or the stream ends early.
    """
    batches = list(_batches(homes, times, values))
    stub = metering_pb2_grpc.MeteringServiceStub(channel)
    async for answer in stub.Ingest(_requests(source, batches)):
        if answer.rejected:
            raise RuntimeError(f"refused: {answer.rejected[0]}")
        if answer.acked_sequence >= batches[-1].sequence:
            return
    raise RuntimeError("metering ended the stream before all was committed")


async def _requests(
    source: str, batches: Sequence[metering_pb2.ReadingBatch]
) -> AsyncIterator[metering_pb2.IngestRequest]:
    yield metering_pb2.IngestRequest(hello=metering_pb2.IngestHello(source=source))
    for batch in batches:
        yield metering_pb2.IngestRequest(batch=batch)


def _batches(
    homes: Sequence[Home], times: Sequence[datetime], values: Floats
) -> Iterator[metering_pb2.ReadingBatch]:
    """Yield columns in time order, for as many homes at once as fit into a batch."""
    times_us = np.array([(moment - EPOCH) // _MICROSECOND for moment in times], dtype=np.int64)
    base_us, sequence = int(times_us[-1]), 0
    together = max(1, _BATCH_ROWS // (len(POINTS) * len(times)))
    for first in range(0, len(homes), together):
        some = homes[first : first + together]
        names = [home.point(*point) for home in some for point in POINTS]
        rows = values[:, first : first + together, :].reshape(-1)
        for start in range(0, len(rows), _BATCH_ROWS):
            sequence += 1
            part = np.arange(start, min(start + _BATCH_ROWS, len(rows)))
            yield metering_pb2.ReadingBatch(
                sequence=base_us + sequence,
                points=names,
                point_indices=part % len(names),
                measure_times_us=times_us[part // len(names)],
                values=rows[part],
            )
