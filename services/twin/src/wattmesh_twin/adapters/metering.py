"""Metering's ingestion stream for the readings from before the start."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.time import EPOCH
from wattmesh_runtime.errors import rpc_errors
from wattmesh_twin.domain.history import PastReadings, SiteHistory

SOURCE = "twin/history"
"""Under which name metering counts these readings."""

BATCH_ROWS = 5000
"""Rows of a batch; metering takes up to 10,000."""

_MICROSECOND = timedelta(microseconds=1)


class MeteringIngest:
    """Sends a history and waits until metering has committed it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def ingest(self, history: SiteHistory | PastReadings) -> int:
        """Store a site's history and return how many readings were refused.

        Error: Unavailable when the stream ended before all was committed; sending it all again is
        harmless.
        """
        batches = list(_batches(history))
        if not batches:  # a room that was put up with the run has no past
            return 0
        refused = 0
        with rpc_errors():
            async for answer in self._stub.Ingest(_requests(batches)):
                refused += len(answer.rejected)
                if answer.acked_sequence >= len(batches):
                    return refused
        raise Unavailable("STREAM_ENDED", "metering ended the stream before all was committed")


async def _requests(
    batches: list[metering_pb2.ReadingBatch],
) -> AsyncIterator[metering_pb2.IngestRequest]:
    yield metering_pb2.IngestRequest(hello=metering_pb2.IngestHello(source=SOURCE))
    for batch in batches:
        yield metering_pb2.IngestRequest(batch=batch)


def _batches(history: SiteHistory | PastReadings) -> Iterator[metering_pb2.ReadingBatch]:
    """Yield all readings in time order, as columns; a missing reading is not sent."""
    points = list(history.readings)
    names = [point.name for point in points]
    values = np.stack([history.readings[point] for point in points], axis=1)
    times_us = np.array([_microseconds(moment) for moment in history.times], dtype=np.int64)
    time_index, point_index = np.nonzero(~np.isnan(values))
    for sequence, first in enumerate(range(0, len(time_index), BATCH_ROWS), start=1):
        times = time_index[first : first + BATCH_ROWS]
        measured = point_index[first : first + BATCH_ROWS]
        yield metering_pb2.ReadingBatch(
            sequence=sequence,
            points=names,
            point_indices=measured.tolist(),
            measure_times_us=times_us[times].tolist(),
            values=values[times, measured].tolist(),
        )


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // _MICROSECOND
