"""Problems from their protos."""

from collections.abc import Mapping
from datetime import timedelta

from wattmesh.optimizer.v1 import optimizer_pb2, problem_pb2
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    time_range_from_proto,
)
from wattmesh_optimizer.api.fields import KILO, column, given, kilo, known, optional
from wattmesh_optimizer.api.site import (
    TariffsOnce,
    limits_from_proto,
    node_from_proto,
    site_from_proto,
)
from wattmesh_optimizer.app.options import Division, SolveOptions
from wattmesh_optimizer.domain.checks import Floats, refuse
from wattmesh_optimizer.domain.ensemble import Ensemble
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.problem import (
    CarbonBasis,
    DemandResponseEvent,
    EventPrice,
    Goals,
    PaidReduction,
    Problem,
    Reserve,
    ReserveDirection,
    SiteGroup,
)
from wattmesh_optimizer.domain.site import PowerLimits

EVENT_LIMIT_PRICE_PER_KWH = 50.0
"""Price of breaking an event's limit where none is given: below those of connections."""


_CARBON_BASES: Mapping[int, CarbonBasis] = {
    problem_pb2.CARBON_BASIS_UNSPECIFIED: CarbonBasis.AVERAGE,
    problem_pb2.CARBON_BASIS_AVERAGE: CarbonBasis.AVERAGE,
    problem_pb2.CARBON_BASIS_MARGINAL: CarbonBasis.MARGINAL,
}
_DIRECTIONS: Mapping[int, ReserveDirection] = {
    problem_pb2.RESERVE_DIRECTION_UP: ReserveDirection.UP,
    problem_pb2.RESERVE_DIRECTION_DOWN: ReserveDirection.DOWN,
}
_DIVISIONS: Mapping[int, Division] = {
    optimizer_pb2.DIVISION_UNSPECIFIED: Division.AUTOMATIC,
    optimizer_pb2.DIVISION_TOGETHER: Division.TOGETHER,
    optimizer_pb2.DIVISION_APART: Division.APART,
}


def problem_from_proto(proto: problem_pb2.Problem) -> Problem:
    """Return a problem; InvalidArgument naming the field that makes no sense."""
    horizon, tariffs = horizon_from_proto(proto.horizon), TariffsOnce()
    return Problem(
        horizon=horizon,
        currency_code=proto.currency_code,
        sites=tuple(site_from_proto(site, horizon.count, tariffs) for site in proto.sites),
        groups=tuple(_group(group) for group in proto.groups),
        goals=_goals(proto.goals),
        events=tuple(_event(event) for event in proto.events),
        reserves=tuple(_reserve(reserve) for reserve in proto.reserves),
        ensemble=_ensemble(proto.ensemble) if proto.HasField("ensemble") else None,
    )


def horizon_from_proto(proto: problem_pb2.Horizon) -> Horizon:
    """Return a horizon; InvalidArgument when it is missing or makes no sense."""
    if not proto.HasField("start_time"):
        raise refuse("horizon.start_time", "is missing")
    return Horizon(
        start=datetime_from_proto(proto.start_time, "horizon.start_time"),
        resolution=duration_from_proto(proto.resolution, "horizon.resolution"),
        count=proto.count,
    )


def options_from_proto(proto: optimizer_pb2.SolveOptions, defaults: SolveOptions) -> SolveOptions:
    """Return how to solve; what is absent is taken from `defaults`."""
    limit, gap = defaults.time_limit, defaults.gap_ratio
    if proto.HasField("time_limit"):
        limit = duration_from_proto(proto.time_limit, "options.time_limit")
        if limit.total_seconds() <= 0:
            raise refuse("options.time_limit", "must be above 0")
    if proto.HasField("gap_ratio"):
        gap = proto.gap_ratio
        if not 0 <= gap <= 1:
            raise refuse("options.gap_ratio", f"must be between 0 and 1, not {gap:g}")
    return SolveOptions(
        time_limit=limit,
        gap_ratio=gap,
        explain=proto.explain,
        division=known(_DIVISIONS, proto.division, "options.division"),
    )


def _ensemble(proto: problem_pb2.Ensemble) -> Ensemble:
    shared = timedelta(0)
    if proto.HasField("shared_duration"):
        shared = duration_from_proto(proto.shared_duration, "ensemble.shared_duration")
    return Ensemble(
        members=tuple(_member(each) for each in proto.members),
        shared_duration=shared,
        risk_ratio=proto.risk_ratio,
    )


def _member(proto: problem_pb2.EnsembleMember) -> Mapping[str, Floats]:
    found = {each.asset: column(each.powers_w, KILO) for each in proto.powers}
    if len(found) < len(proto.powers):
        raise refuse("ensemble.members.powers.asset", "comes twice")
    return found


def _group(proto: problem_pb2.SiteGroup) -> SiteGroup:
    return SiteGroup(
        name=proto.name,
        site_names=tuple(proto.site_names),
        limits=limits_from_proto(proto.limits),
        peak_price_per_kw=proto.peak_price_per_kw,
        peak_so_far_kw=proto.peak_so_far_w * KILO,
        ramp_price_per_kw=optional(proto, "ramp_price_per_kw"),
        netted_billing=proto.netted_billing,
        nodes=tuple(node_from_proto(node) for node in proto.nodes),
        site_node_ids=dict(proto.site_node_ids),
    )


def _goals(proto: problem_pb2.Goals) -> Goals:
    return Goals(
        peak_price_per_kw=proto.peak_price_per_kw,
        carbon_price_per_kg=proto.carbon_price_per_kg,
        carbon_basis=known(_CARBON_BASES, proto.carbon_basis, "goals.carbon_basis"),
        export_price_per_kwh=proto.export_price_per_kwh,
        ramp_price_per_kw=proto.ramp_price_per_kw,
        **given(proto, comfort_weight="comfort_weight", wear_weight="wear_weight"),
    )


def _event(proto: problem_pb2.DemandResponseEvent) -> DemandResponseEvent:
    return DemandResponseEvent(
        id=proto.id,
        range=time_range_from_proto(proto.range, "events.range"),
        kind=_event_kind(proto),
        site_names=tuple(proto.site_names),
    )


def _event_kind(
    proto: problem_pb2.DemandResponseEvent,
) -> PowerLimits | EventPrice | PaidReduction:
    match proto.WhichOneof("kind"):
        case "limit":
            return limits_from_proto(proto.limit, limit_price_per_kwh=EVENT_LIMIT_PRICE_PER_KWH)
        case "price":
            return EventPrice(
                import_adder_per_kwh=proto.price.import_adder_per_kwh,
                export_adder_per_kwh=proto.price.export_adder_per_kwh,
            )
        case "paid_reduction":
            return _paid_reduction(proto.paid_reduction)
        case _:
            raise refuse("events.kind", f"is missing for {proto.id!r}")


def _paid_reduction(proto: problem_pb2.PaidReduction) -> PaidReduction:
    return PaidReduction(
        baseline_kw=column(proto.baseline_powers_w, KILO),
        price_per_kwh=proto.price_per_kwh,
        max_power_kw=kilo(optional(proto, "max_power_w")),
        power_deviation_kw=proto.power_deviation_w * KILO,
        max_powers_kw=column(proto.max_powers_w, KILO) if proto.max_powers_w else None,
        delivered_kwh=proto.delivered_energy_wh * KILO,
        **given(proto, confidence_ratio="confidence_ratio"),
    )


def _reserve(proto: problem_pb2.Reserve) -> Reserve:
    return Reserve(
        id=proto.id,
        range=time_range_from_proto(proto.range, "reserves.range"),
        direction=known(_DIRECTIONS, proto.direction, "reserves.direction"),
        power_kw=proto.power_w * KILO,
        activation_duration=duration_from_proto(
            proto.activation_duration, "reserves.activation_duration"
        ),
        price_per_kw_hour=proto.price_per_kw_hour,
        site_names=tuple(proto.site_names),
        **given(proto, shortfall_price_per_kw_hour="shortfall_price_per_kw_hour"),
    )
