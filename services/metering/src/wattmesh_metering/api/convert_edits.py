"""wattmesh.metering.v1 ↔ domain: what people change about readings, and flags."""

import numpy as np

from wattmesh.metering.v1 import metering_pb2
from wattmesh_contracts.values import (
    datetime_from_proto,
    time_range_from_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import PointId
from wattmesh_metering.api.convert_readings import QUALITIES, rejection_to_proto
from wattmesh_metering.api.fields import present, require_present
from wattmesh_metering.app.commit_batches import BatchOutcome
from wattmesh_metering.app.edit_readings import Correction, Exchange, FlagQuery, KeptFlag, Why
from wattmesh_metering.domain.readings import from_microseconds, to_microseconds
from wattmesh_metering.domain.substitutes import Method
from wattmesh_metering.domain.vee.flags import FlagKind
from wattmesh_runtime.access.guard import current_identity
from wattmesh_runtime.request_context import current_caller

_KINDS = {
    FlagKind.SPIKE: metering_pb2.READING_FLAG_KIND_SPIKE,
    FlagKind.ROLLOVER: metering_pb2.READING_FLAG_KIND_ROLLOVER,
    FlagKind.EXCHANGE: metering_pb2.READING_FLAG_KIND_EXCHANGE,
    FlagKind.JUMP: metering_pb2.READING_FLAG_KIND_JUMP,
    FlagKind.RATE: metering_pb2.READING_FLAG_KIND_RATE,
    FlagKind.GAP: metering_pb2.READING_FLAG_KIND_GAP,
    FlagKind.STUCK: metering_pb2.READING_FLAG_KIND_STUCK,
    FlagKind.SUM: metering_pb2.READING_FLAG_KIND_SUM,
    FlagKind.SIGN: metering_pb2.READING_FLAG_KIND_SIGN,
    FlagKind.CLOCK: metering_pb2.READING_FLAG_KIND_CLOCK,
}


_METHODS = {
    None: metering_pb2.SUBSTITUTE_METHOD_UNSPECIFIED,
    Method.INTERPOLATED: metering_pb2.SUBSTITUTE_METHOD_INTERPOLATED,
    Method.SAME_DAY_TYPE: metering_pb2.SUBSTITUTE_METHOD_SAME_DAY_TYPE,
}


def correction_from_proto(request: metering_pb2.CorrectReadingsRequest) -> Correction:
    """Return a correction; InvalidArgument when it makes no sense."""
    known = {number: quality for quality, number in QUALITIES.items()}
    require(request.quality in known, "MISSING_FIELD", "quality is required", "quality")
    times = [datetime_from_proto(each, "measure_times") for each in request.measure_times]
    return Correction(
        point=PointId.parse(request.point),
        times_us=np.array([to_microseconds(moment) for moment in times], np.int64),
        values=np.array(request.values, np.float64),
        quality=known[request.quality],
    )


def exchange_from_proto(request: metering_pb2.DeclareExchangeRequest) -> Exchange:
    """Return an exchange; InvalidArgument when it makes no sense."""
    require_present(request, "exchange_time")
    return Exchange(
        point=PointId.parse(request.point),
        time=datetime_from_proto(request.exchange_time, "exchange_time"),
        final_value=request.final_value,
        initial_value=request.initial_value,
    )


def why_from_proto(
    request: metering_pb2.CorrectReadingsRequest | metering_pb2.DeclareExchangeRequest,
) -> Why:
    """Return why something is changed; InvalidArgument when it is not said."""
    identity = current_identity()
    caller = current_caller() if identity is None else identity.name
    return Why(reason=request.reason, caller=caller, request_id=request.request_id)


def outcome_to_proto(outcome: BatchOutcome) -> metering_pb2.CorrectReadingsResponse:
    """Return what became of a correction."""
    return metering_pb2.CorrectReadingsResponse(
        stored=outcome.stored,
        revised=outcome.revised,
        duplicates=outcome.duplicates,
        rejected=map(rejection_to_proto, outcome.rejected),
    )


def flag_query_from_proto(request: metering_pb2.ListReadingFlagsRequest) -> FlagQuery:
    """Return which flags are asked for."""
    span = time_range_from_proto(request.range, "range") if present(request, "range") else None
    return FlagQuery(span=span, cleared=request.include_cleared)


def flag_to_proto(kept: KeptFlag) -> metering_pb2.ReadingFlag:
    """Return a flag."""
    cleared = kept.clear_time
    return metering_pb2.ReadingFlag(
        point=kept.point.name,
        kind=_KINDS[kept.flag.kind],
        first_measure_time=timestamp_to_proto(from_microseconds(kept.flag.first_us)),
        last_measure_time=timestamp_to_proto(from_microseconds(kept.flag.last_us)),
        excluded=kept.flag.excludes,
        message=kept.flag.message,
        raise_time=timestamp_to_proto(kept.raise_time),
        clear_time=None if cleared is None else timestamp_to_proto(cleared),
        substitute_method=_METHODS[kept.substituted],
    )
