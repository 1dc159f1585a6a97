"""wattmesh.metering.v1 ↔ domain: batches in, readings out."""

from collections.abc import Iterator, Sequence

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import quality_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.quantities import Quality
from wattmesh_metering.app.ingest import IngestAnswer
from wattmesh_metering.domain.readings import (
    QUALITY_CODES,
    Ints,
    Newest,
    Reading,
    ReadingBatch,
    Rejection,
    RejectionReason,
)

_MOST_REJECTED = 1_000
"""How many refused readings are told of in an answer."""
_LONGEST_POINT = 255
"""How much of a refused point's name is told [characters]."""

_REASONS = {
    RejectionReason.UNKNOWN_POINT: metering_pb2.REJECTION_REASON_UNKNOWN_POINT,
    RejectionReason.INVALID_VALUE: metering_pb2.REJECTION_REASON_INVALID_VALUE,
    RejectionReason.INVALID_TIME: metering_pb2.REJECTION_REASON_INVALID_TIME,
    RejectionReason.MALFORMED: metering_pb2.REJECTION_REASON_MALFORMED,
}

QUALITIES = {
    Quality.MEASURED: quality_pb2.QUALITY_MEASURED,
    Quality.ESTIMATED: quality_pb2.QUALITY_ESTIMATED,
    Quality.SUBSTITUTED: quality_pb2.QUALITY_SUBSTITUTED,
}

_NUMBERS = {QUALITY_CODES[quality]: number for quality, number in QUALITIES.items()}
_CODES: Ints = np.zeros(max(QUALITIES.values()) + 1, np.int64)
for _quality, _number in QUALITIES.items():
    _CODES[_number] = QUALITY_CODES[_quality]


def batch_from_proto(proto: metering_pb2.ReadingBatch) -> ReadingBatch:
    """Return a batch's columns as they came; InvalidArgument for what ends the stream."""
    return ReadingBatch(
        sequence=proto.sequence,
        points=tuple(proto.points),
        point_indices=_ints(proto.point_indices),
        times_us=_ints(proto.measure_times_us),
        values=np.fromiter(proto.values, np.float64, len(proto.values)),
        qualities=_quality_codes(_ints(proto.qualities)),
        reset_rows=_ints(proto.reset_rows),
        trace_parent=proto.trace_parent,
    )


def answer_to_proto(answer: IngestAnswer) -> metering_pb2.IngestResponse:
    """Return what became of batches: never more than a message bears, whatever was refused."""
    return metering_pb2.IngestResponse(
        acked_sequence=answer.acked_sequence,
        stored=answer.stored,
        duplicates=answer.duplicates,
        revised=answer.revised,
        rejected=map(rejection_to_proto, answer.rejected[:_MOST_REJECTED]),
        rejected_total=len(answer.rejected),
    )


def reading_to_proto(reading: Reading) -> metering_pb2.Reading:
    """Return one reading."""
    return metering_pb2.Reading(
        point=reading.point.name,
        measure_time=timestamp_to_proto(reading.measure_time),
        value=reading.value,
        quality=QUALITIES[reading.quality],
    )


def newest_to_proto(newest: Newest) -> Iterator[metering_pb2.Reading]:
    """Yield readings, many at little cost each."""
    seconds, rest_us = np.divmod(newest.times_us, 1_000_000)
    columns = (seconds.tolist(), (rest_us * 1000).tolist(), newest.values.tolist())
    numbers = newest.qualities.tolist()
    for point, second, nanos, value, code in zip(newest.points, *columns, numbers, strict=True):
        yield metering_pb2.Reading(
            point=point.id.name,
            measure_time=Timestamp(seconds=second, nanos=nanos),
            value=value,
            quality=_NUMBERS[code],
        )


def rejection_to_proto(rejection: Rejection) -> metering_pb2.RejectedReading:
    """Return a refused reading."""
    return metering_pb2.RejectedReading(
        sequence=rejection.sequence,
        row=rejection.row,
        point=rejection.point[:_LONGEST_POINT],
        reason=_REASONS[rejection.reason],
        message=rejection.message,
    )


def _ints(column: Sequence[int]) -> Ints:
    return np.fromiter(column, np.int64, len(column))


def _quality_codes(numbers: Ints) -> Ints:
    """Return the codes of wire numbers, 0 for what is no quality."""
    known = (numbers >= 0) & (numbers < len(_CODES))
    return np.where(known, _CODES[np.where(known, numbers, 0)], 0)
