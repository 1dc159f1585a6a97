"""wattmesh.control.v1.ExchangeSchedule → domain."""

from wattmesh.control.v1 import control_pb2 as pb
from wattmesh_contracts.values import at_field, duration_from_proto, time_range_from_proto
from wattmesh_contracts.worth import energy_worth_from_proto
from wattmesh_control.domain.exchange import ExchangeInterval, ExchangeSchedule
from wattmesh_kernel.ids import SiteId


def exchange_from_proto(proto: pb.ExchangeSchedule) -> ExchangeSchedule:
    """Return what is counted on at one site. Error: InvalidArgument."""
    with at_field("exchanges"):
        return ExchangeSchedule(
            site=SiteId.parse(proto.site, "site"),
            intervals=tuple(map(_interval_from_proto, proto.intervals)),
        )


def _interval_from_proto(proto: pb.ExchangeInterval) -> ExchangeInterval:
    averaged = proto.HasField("averaging_interval")
    return ExchangeInterval(
        span=time_range_from_proto(proto.range, "range"),
        net_power_w=proto.net_power_w if proto.HasField("net_power_w") else None,
        peak_power_w=proto.peak_power_w if proto.HasField("peak_power_w") else None,
        averaging=(
            duration_from_proto(proto.averaging_interval, "averaging_interval")
            if averaged
            else None
        ),
        worth=energy_worth_from_proto(proto.worth) if proto.HasField("worth") else None,
    )
