"""wattmesh.control.v1.ReserveSignal ↔ the kernel's."""

from wattmesh.control.v1 import reserve_pb2 as pb
from wattmesh_contracts.values import (
    duration_from_proto,
    duration_to_proto,
    required_datetime_from_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.reserve_signal import ReserveSignal


def reserve_signal_from_proto(proto: pb.ReserveSignal) -> ReserveSignal:
    """Return a signal; InvalidArgument with the field for what makes no sense."""
    return ReserveSignal(
        site=SiteId.parse(proto.site),
        reserve=proto.reserve,
        power_w=proto.power_w,
        hold=duration_from_proto(proto.hold_duration, "hold_duration"),
        signal_time=required_datetime_from_proto(proto, "signal_time"),
        pool=proto.pool,
    )


def reserve_signal_to_proto(signal: ReserveSignal) -> pb.ReserveSignal:
    """Return the message of a signal."""
    return pb.ReserveSignal(
        site=signal.site.name,
        reserve=signal.reserve,
        power_w=signal.power_w,
        hold_duration=duration_to_proto(signal.hold),
        signal_time=timestamp_to_proto(signal.signal_time),
        pool=signal.pool,
    )
