"""Indicators → wattmesh.analytics.v1."""

from datetime import timedelta

from wattmesh.analytics.v1 import indicators_pb2
from wattmesh_analytics.domain.indicators import AssetIndicators, Indicators
from wattmesh_analytics.domain.operation_indicators import (
    Effect,
    OperationIndicators,
    effect_ratio,
)
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.ids import GroupId


def indicators_to_proto(found: Indicators) -> indicators_pb2.Indicators:
    """Return the indicators of a span."""
    of_group = isinstance(found.subject, GroupId)
    return indicators_pb2.Indicators(
        site="" if of_group else found.subject.name,
        group=found.subject.name if of_group else "",
        range=time_range_to_proto(found.range),
        import_energy_kwh=found.import_kwh,
        export_energy_kwh=found.export_kwh,
        generation_energy_kwh=found.generation_kwh,
        consumption_energy_kwh=found.consumption_kwh,
        self_sufficiency_ratio=found.self_sufficiency_ratio,
        self_consumption_ratio=found.self_consumption_ratio,
        import_peak_kw=found.import_peak_kw,
        export_peak_kw=found.export_peak_kw,
        load_factor_ratio=found.load_factor_ratio,
        full_cycles=found.full_cycles,
        covered_ratio=found.covered_ratio,
        assets=map(_asset_to_proto, found.assets),
        operation=None if found.operation is None else _operation_to_proto(found.operation),
    )


def _asset_to_proto(found: AssetIndicators) -> indicators_pb2.AssetIndicators:
    return indicators_pb2.AssetIndicators(
        asset=found.asset.name,
        import_energy_kwh=found.import_kwh,
        export_energy_kwh=found.export_kwh,
        peak_kw=found.peak_kw,
        covered_ratio=found.covered_ratio,
        full_cycles=found.full_cycles,
        full_load_duration=(
            None
            if found.full_load_hours is None
            else duration_to_proto(timedelta(hours=found.full_load_hours))
        ),
        load_factor_ratio=found.load_factor_ratio,
        availability_ratio=found.availability_ratio,
        discomfort_kelvin_hours=found.discomfort_kelvin_hours,
        confirmed_commands=found.effects.get(Effect.CONFIRMED, 0),
        partial_commands=found.effects.get(Effect.PARTIAL, 0),
        ineffective_commands=found.effects.get(Effect.INEFFECTIVE, 0),
        unknown_commands=found.effects.get(Effect.UNKNOWN, 0),
        effect_ratio=effect_ratio(found.effects),
        forecast_skill_ratio=found.forecast_skill_ratio,
    )


def _operation_to_proto(found: OperationIndicators) -> indicators_pb2.OperationIndicators:
    return indicators_pb2.OperationIndicators(
        discomfort_kelvin_hours=found.discomfort_kelvin_hours,
        comfortable_ratio=found.comfortable_ratio,
        confirmed_commands=found.effects.get(Effect.CONFIRMED, 0),
        partial_commands=found.effects.get(Effect.PARTIAL, 0),
        ineffective_commands=found.effects.get(Effect.INEFFECTIVE, 0),
        unknown_commands=found.effects.get(Effect.UNKNOWN, 0),
        effect_ratio=found.effect_ratio,
        load_forecast_skill_ratio=found.load_skill_ratio,
        pv_forecast_skill_ratio=found.pv_skill_ratio,
        wind_forecast_skill_ratio=found.wind_skill_ratio,
        plan_adherence_ratio=found.plan_adherence_ratio,
        planned_ratio=found.planned_ratio,
        availability_ratio=found.availability_ratio,
        missing=found.missing,
    )
