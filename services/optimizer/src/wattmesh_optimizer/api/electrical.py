"""Loads, renewable sources, generators and deferrable runs from their protos."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wattmesh.optimizer.v1 import asset_pb2
from wattmesh_contracts.ratings import rating_from_proto
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel import sites
from wattmesh_optimizer.api.fields import (
    KILO,
    column,
    duration,
    given,
    known,
    optional_column,
    rated,
)
from wattmesh_optimizer.domain.checks import refuse
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.electrical import (
    FixedLoad,
    Generator,
    OnOffState,
    RenewableKind,
    RenewableSource,
)

_RENEWABLE_KINDS: Mapping[int, RenewableKind] = {
    asset_pb2.RENEWABLE_KIND_UNSPECIFIED: RenewableKind.UNSPECIFIED,
    asset_pb2.RENEWABLE_KIND_PV: RenewableKind.PV,
    asset_pb2.RENEWABLE_KIND_WIND: RenewableKind.WIND,
}


def fixed_load_from_proto(proto: asset_pb2.FixedLoad) -> FixedLoad:
    """Return a fixed load; InvalidArgument when a value makes no sense."""
    return FixedLoad(
        powers_kw=column(proto.powers_w, KILO),
        critical_powers_kw=optional_column(proto.critical_powers_w, KILO),
        **given(proto, shed_price_per_kwh="shed_price_per_kwh"),
    )


def renewable_from_proto(proto: asset_pb2.RenewableSource) -> RenewableSource:
    """Return PV or wind; InvalidArgument when a value makes no sense."""
    return RenewableSource(
        powers_kw=column(proto.powers_w, KILO),
        kind=known(_RENEWABLE_KINDS, proto.kind, "kind"),
        curtailable=proto.curtailable,
        **given(proto, curtailment_price_per_kwh="curtailment_price_per_kwh"),
    )


def generator_from_proto(proto: asset_pb2.Generator) -> Generator:
    """Return a generator; InvalidArgument when a value makes no sense."""
    rating = rating_from_proto(sites.GeneratorRating, rated(proto))
    return Generator(
        max_output_power_kw=rating.max_output_power_w * KILO,
        min_output_power_kw=rating.min_output_power_w * KILO,
        start_cost=rating.start_cost,
        fuel_cost_per_kwh=rating.fuel_cost_per_kwh,
        running_cost_per_hour=rating.running_cost_per_hour,
        min_up_duration=rating.min_up_duration,
        min_down_duration=rating.min_down_duration,
        emission_gco2e_per_kwh=rating.emission_gco2e_per_kwh,
        maintenance_ranges=rating.maintenance_ranges,
        **_initial_state(proto),
    )


def deferrable_from_proto(proto: asset_pb2.DeferrableLoad) -> DeferrableLoad:
    """Return a deferrable load; InvalidArgument when a value makes no sense."""
    return DeferrableLoad(
        run=_run(proto),
        earliest_start=_time(proto, "earliest_start_time"),
        latest_end=_time(proto, "latest_end_time"),
        **given(proto, shortfall_price_per_kwh="shortfall_price_per_kwh"),
    )


def _run(proto: asset_pb2.DeferrableLoad) -> ProfileRun | InterruptibleRun:
    match proto.WhichOneof("run"):
        case "profile_run":
            profile = proto.profile_run
            return ProfileRun(
                powers_kw=column(profile.powers_w, KILO), elapsed_count=profile.elapsed_count
            )
        case "interruptible_run":
            run = proto.interruptible_run
            rating = rating_from_proto(sites.DeferrableRating, rated(proto))
            return InterruptibleRun(
                energy_kwh=run.energy_wh * KILO,
                max_power_kw=rating.max_power_w * KILO,
                min_power_kw=rating.min_power_w * KILO,
                min_on_duration=rating.min_on_duration,
                min_off_duration=rating.min_off_duration,
                **_initial_state(run),
            )
        case _:
            raise refuse("deferrable_load.run", "is missing")


def _initial_state(proto: asset_pb2.Generator | asset_pb2.InterruptibleRun) -> dict[str, Any]:
    if not proto.HasField("initial_state"):
        return {}
    state = proto.initial_state
    since = duration(state, "duration")
    return {"initial_state": OnOffState(on=state.on, duration=since)}


def _time(proto: asset_pb2.DeferrableLoad, field: str) -> datetime | None:
    return datetime_from_proto(getattr(proto, field), field) if proto.HasField(field) else None  # type: ignore[arg-type]
