"""wattmesh.demandresponse.v1: the activation signal of reserves."""

from datetime import datetime, timedelta

from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    timestamp_to_proto,
)
from wattmesh_demandresponse.app.signal_reserve import PassedOn
from wattmesh_demandresponse.domain.reserve import Said

_HOLD = timedelta(seconds=60)


def said_from_proto(proto: pb.SignalReserveRequest, now: datetime) -> Said:
    """Return a signal; InvalidArgument with the field for what makes no sense."""
    holds = proto.HasField("hold_duration")
    return Said(
        time=(
            datetime_from_proto(proto.signal_time, "signal_time")
            if proto.HasField("signal_time")
            else now
        ),
        ratio=proto.signal_ratio,
        hold=duration_from_proto(proto.hold_duration, "hold_duration") if holds else _HOLD,
    )


def passed_on_to_proto(passed: PassedOn) -> pb.SignalReserveResponse:
    """Return the answer to a signal."""
    return pb.SignalReserveResponse(
        signal_time=timestamp_to_proto(passed.said.time),
        asked_power_w=passed.asked_w,
        site_count=passed.sites,
        told_site_count=passed.told,
        stood_in_site_count=passed.stood_in,
    )
