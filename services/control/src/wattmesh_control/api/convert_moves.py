"""wattmesh.control.v1's moves of setpoints ↔ domain."""

import math
from datetime import datetime, timedelta

from wattmesh.control.v1 import moves_pb2 as pb
from wattmesh_contracts.values import required_datetime_from_proto, timestamp_to_proto
from wattmesh_control.domain.moves import MOST_TOGETHER, Moves
from wattmesh_kernel.checks import require

_MILLISECOND = timedelta(milliseconds=1)
_LONGEST_MS = timedelta(days=31) // _MILLISECOND


def moves_from_proto(proto: pb.SetpointMoves, field: str) -> Moves:
    """Return moves as they came. Error: InvalidArgument."""
    offsets, powers_w = proto.offsets_ms, proto.powers_w
    require(len(offsets) <= MOST_TOGETHER, "INVALID_VALUE", f"{len(offsets)} moves at once", field)
    within = all(0 <= each <= _LONGEST_MS for each in offsets)
    require(within, "INVALID_VALUE", "offsets are 0 ms to 31 days", field)
    finite = all(math.isfinite(each) for each in powers_w)
    require(finite, "INVALID_VALUE", "a power that is no number", field)
    start = required_datetime_from_proto(proto, "start_time")
    return Moves(times=tuple(_after(start, each) for each in offsets), powers_w=tuple(powers_w))


def moves_to_proto(moves: Moves) -> pb.SetpointMoves:
    """Return moves as their proto."""
    start = moves.times[0]
    return pb.SetpointMoves(
        start_time=timestamp_to_proto(start),
        offsets_ms=[round((each - start) / _MILLISECOND) for each in moves.times],
        powers_w=moves.powers_w,
    )


def _after(start: datetime, offset_ms: int) -> datetime:
    return start + offset_ms * _MILLISECOND
