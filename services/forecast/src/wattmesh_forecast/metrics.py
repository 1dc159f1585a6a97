"""The metrics of forecast, declared before use."""

from wattmesh_runtime.metrics import Metric, MetricKind

FORECASTS = Metric(
    name="wattmesh.forecast.issued",
    kind=MetricKind.COUNTER,
    unit="{forecast}",
    description="Issued forecasts, by wattmesh.forecast.kind and wattmesh.forecast.source.",
)
