"""wattmesh.gateway.v1.LoopPolicy ↔ the kernel's."""

from datetime import datetime

from wattmesh.gateway.v1 import loop_policy_pb2 as pb
from wattmesh_contracts.setpoints import setpoint_kind_from_proto, setpoint_kind_to_proto
from wattmesh_contracts.sites import phase_from_proto, phase_to_proto
from wattmesh_contracts.values import (
    at_field,
    duration_from_proto,
    duration_to_proto,
    optional_datetime_from_proto,
    required_datetime_from_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_contracts.worth import energy_worth_from_proto, energy_worth_to_proto
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.loop_policy import (
    LoopIsland,
    LoopLimit,
    LoopMember,
    LoopMeter,
    LoopPolicy,
    LoopPolicySet,
    LoopWorth,
    NetPower,
    SharedPower,
    Target,
)


def loop_policies_from_proto(proto: pb.LoopPolicySet) -> LoopPolicySet:
    """Return all policies of a gateway; InvalidArgument with the field for what makes no sense."""
    return LoopPolicySet(
        issue_time=required_datetime_from_proto(proto, "issue_time"),
        policies=tuple(map(loop_policy_from_proto, proto.policies)),
    )


def loop_policies_to_proto(policies: LoopPolicySet) -> pb.LoopPolicySet:
    """Return all policies of a gateway as their proto."""
    return pb.LoopPolicySet(
        issue_time=timestamp_to_proto(policies.issue_time),
        policies=[loop_policy_to_proto(each) for each in policies.policies],
    )


def loop_policy_from_proto(proto: pb.LoopPolicy) -> LoopPolicy:
    """Return a policy; InvalidArgument with the field for what makes no sense."""
    with at_field("policies"):
        return LoopPolicy(
            site=SiteId.parse(proto.site, "site"),
            lease=duration_from_proto(proto.lease_duration, "lease_duration"),
            meters=tuple(map(_meter_from_proto, proto.meters)),
            limits=tuple(map(_limit_from_proto, proto.limits)),
            members=tuple(map(_member_from_proto, proto.members)),
            target=_target_from_proto(proto),
            target_expire=_optional_time(proto, "target_expire_time"),
            dead_band_w=proto.dead_band_w,
            settling=duration_from_proto(proto.settling_duration, "settling_duration"),
            stale_after=duration_from_proto(proto.stale_duration, "stale_duration"),
            setpoint_lease=duration_from_proto(proto.setpoint_duration, "setpoint_duration"),
            worths=tuple(map(_worth_from_proto, proto.worths)),
            island=_island_from_proto(proto.island) if proto.HasField("island") else None,
        )


def loop_policy_to_proto(policy: LoopPolicy) -> pb.LoopPolicy:
    """Return a policy as its proto."""
    proto = pb.LoopPolicy(
        site=policy.site.name,
        lease_duration=duration_to_proto(policy.lease),
        meters=map(_meter_to_proto, policy.meters),
        limits=map(_limit_to_proto, policy.limits),
        members=map(_member_to_proto, policy.members),
        dead_band_w=policy.dead_band_w,
        settling_duration=duration_to_proto(policy.settling),
        stale_duration=duration_to_proto(policy.stale_after),
        setpoint_duration=duration_to_proto(policy.setpoint_lease),
        worths=map(_worth_to_proto, policy.worths),
        island=None if policy.island is None else _island_to_proto(policy.island),
    )
    if policy.target_expire is not None:
        proto.target_expire_time.CopyFrom(timestamp_to_proto(policy.target_expire))
    match policy.target:
        case NetPower(power_w=power_w):
            proto.net_power_w = power_w
        case SharedPower(power_w=power_w):
            proto.shared_power_w = power_w
        case None:
            pass
    return proto


def _target_from_proto(proto: pb.LoopPolicy) -> Target | None:
    match proto.WhichOneof("target"):
        case "net_power_w":
            return NetPower(power_w=proto.net_power_w)
        case "shared_power_w":
            return SharedPower(power_w=proto.shared_power_w)
        case _:
            return None


def _worth_from_proto(proto: pb.LoopWorth) -> LoopWorth:
    with at_field("worths"):
        return LoopWorth(
            span=time_range_from_proto(proto.range, "range"),
            worth=energy_worth_from_proto(proto.worth),
            owner=proto.owner,
        )


def _worth_to_proto(worth: LoopWorth) -> pb.LoopWorth:
    return pb.LoopWorth(
        range=time_range_to_proto(worth.span),
        worth=energy_worth_to_proto(worth.worth),
        owner=worth.owner,
    )


def _meter_from_proto(proto: pb.LoopMeter) -> LoopMeter:
    with at_field("meters"):
        sampled = proto.HasField("sample_interval")
        interval = duration_from_proto(proto.sample_interval, "sample_interval")
        return LoopMeter(
            device=DeviceId.parse(proto.device, "device"),
            sample_interval=interval if sampled else None,
        )


def _meter_to_proto(meter: LoopMeter) -> pb.LoopMeter:
    interval = meter.sample_interval
    return pb.LoopMeter(
        device=meter.device.name,
        sample_interval=None if interval is None else duration_to_proto(interval),
    )


def _limit_from_proto(proto: pb.LoopLimit) -> LoopLimit:
    with at_field("limits"):
        averaged = proto.HasField("averaging_interval")
        interval = duration_from_proto(proto.averaging_interval, "averaging_interval")
        return LoopLimit(
            id=proto.id,
            phase=phase_from_proto(proto.phase),
            max_import_power_w=_optional(proto, "max_import_power_w"),
            max_export_power_w=_optional(proto, "max_export_power_w"),
            averaging_interval=interval if averaged else None,
            start=_optional_time(proto, "start_time"),
            expire=_optional_time(proto, "expire_time"),
            only_metered=proto.only_metered,
        )


def _limit_to_proto(limit: LoopLimit) -> pb.LoopLimit:
    interval, start, expire = limit.averaging_interval, limit.start, limit.expire
    return pb.LoopLimit(
        id=limit.id,
        phase=phase_to_proto(limit.phase),
        max_import_power_w=limit.max_import_power_w,
        max_export_power_w=limit.max_export_power_w,
        averaging_interval=None if interval is None else duration_to_proto(interval),
        start_time=None if start is None else timestamp_to_proto(start),
        expire_time=None if expire is None else timestamp_to_proto(expire),
        only_metered=limit.only_metered,
    )


def _member_from_proto(proto: pb.LoopMember) -> LoopMember:
    with at_field("members"):
        gap = (proto.gap_min_value, proto.gap_max_value)
        return LoopMember(
            device=DeviceId.parse(proto.device, "device"),
            kind=setpoint_kind_from_proto(proto.kind),
            min_value=proto.min_value,
            max_value=proto.max_value,
            gap=gap if gap[0] < gap[1] else None,
            watts_per_unit=proto.unit_power_w,
            phase=phase_from_proto(proto.phase),
            safe_value=proto.safe_value,
            idle_value=proto.idle_value,
            rank=proto.rank,
            max_ramp_w_per_second=_optional(proto, "max_ramp_w_per_second"),
            efficient_ratio=proto.efficient_ratio,
            min_soc_ratio=_optional(proto, "min_soc_ratio"),
            max_soc_ratio=_optional(proto, "max_soc_ratio"),
            limits_only=proto.limits_only,
        )


def _member_to_proto(member: LoopMember) -> pb.LoopMember:
    low, high = member.gap or (0.0, 0.0)
    return pb.LoopMember(
        device=member.device.name,
        kind=setpoint_kind_to_proto(member.kind),
        min_value=member.min_value,
        max_value=member.max_value,
        gap_min_value=low,
        gap_max_value=high,
        unit_power_w=member.watts_per_unit,
        phase=phase_to_proto(member.phase),
        safe_value=member.safe_value,
        idle_value=member.idle_value,
        rank=member.rank,
        max_ramp_w_per_second=member.max_ramp_w_per_second,
        efficient_ratio=member.efficient_ratio,
        min_soc_ratio=member.min_soc_ratio,
        max_soc_ratio=member.max_soc_ratio,
        limits_only=member.limits_only,
    )


def _island_from_proto(proto: pb.LoopIsland) -> LoopIsland:
    with at_field("island"):
        sampled = proto.HasField("sample_interval")
        interval = duration_from_proto(proto.sample_interval, "sample_interval")
        return LoopIsland(
            switch=_member_from_proto(proto.switch),
            grid_meter=DeviceId.parse(proto.grid_meter, "grid_meter"),
            sample_interval=interval if sampled else None,
            nominal_voltage_v=proto.nominal_voltage_v,
            nominal_frequency_hz=proto.nominal_frequency_hz,
            reconnect_delay=duration_from_proto(proto.reconnect_delay, "reconnect_delay"),
            shed=tuple(map(_member_from_proto, proto.shed)),
            forming=DeviceId.parse(proto.forming, "forming") if proto.forming else None,
            forming_power_w=proto.forming_power_w,
        )


def _island_to_proto(island: LoopIsland) -> pb.LoopIsland:
    interval = island.sample_interval
    return pb.LoopIsland(
        switch=_member_to_proto(island.switch),
        grid_meter=island.grid_meter.name,
        sample_interval=None if interval is None else duration_to_proto(interval),
        nominal_voltage_v=island.nominal_voltage_v,
        nominal_frequency_hz=island.nominal_frequency_hz,
        reconnect_delay=duration_to_proto(island.reconnect_delay),
        shed=map(_member_to_proto, island.shed),
        forming="" if island.forming is None else island.forming.name,
        forming_power_w=island.forming_power_w,
    )


def _optional(proto: pb.LoopLimit | pb.LoopMember, field: str) -> float | None:
    return float(getattr(proto, field)) if proto.HasField(field) else None  # type: ignore[arg-type]


def _optional_time(proto: pb.LoopLimit | pb.LoopPolicy, field: str) -> datetime | None:
    present = proto.HasField(field)  # type: ignore[arg-type]
    return optional_datetime_from_proto(getattr(proto, field), present=present, field=field)
