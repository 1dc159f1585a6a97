"""Savings of measures → wattmesh.analytics.v1."""

from wattmesh.analytics.v1 import measure_pb2
from wattmesh_analytics.app.query_measure import MeasureSavings
from wattmesh_contracts.values import series_to_proto, time_range_to_proto


def measure_to_proto(found: MeasureSavings, *, include_series: bool) -> measure_pb2.MeasureSavings:
    """Return what a measure saved."""
    saved_wh = found.baseline_wh - found.metered_wh
    return measure_pb2.MeasureSavings(
        site=found.site.name,
        baseline_range=time_range_to_proto(found.before),
        range=time_range_to_proto(found.after),
        baseline_energy_kwh=_kwh(found.baseline_wh),
        metered_energy_kwh=_kwh(found.metered_wh),
        saved_energy_kwh=_kwh(saved_wh),
        saved_low_energy_kwh=_kwh(saved_wh - found.uncertain_wh),
        saved_high_energy_kwh=_kwh(saved_wh + found.uncertain_wh),
        saved_factor=saved_wh / found.baseline_wh if found.baseline_wh > 0 else None,
        currency_code="" if found.saved is None else found.saved.currency_code,
        saved_amount="" if found.saved is None else str(found.saved.rounded().amount),
        covered_ratio=found.covered_ratio,
        baseline_error_factor=found.error_ratio,
        missing_months=found.missing_months,
        baseline_energy_wh=series_to_proto(found.baseline) if include_series else None,
    )


def _kwh(energy_wh: float) -> str:
    return f"{energy_wh / 1000:.3f}"
