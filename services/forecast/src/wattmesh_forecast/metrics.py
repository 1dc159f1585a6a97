"""The metrics of forecast, declared before use."""

from wattmesh_runtime.metrics import Metric, MetricKind

FORECASTS = Metric(
    name="wattmesh.forecast.issued",
    kind=MetricKind.COUNTER,
    unit="{forecast}",
    description="Issued forecasts, by wattmesh.forecast.kind and wattmesh.forecast.source.",
)
MODEL_REFUSED = Metric(
    name="wattmesh.forecast.model_refused",
    kind=MetricKind.COUNTER,
    unit="{forecast}",
    description="Forecasts that no model made where one was to, by wattmesh.forecast.kind and"
    " wattmesh.forecast.refusal.",
)
MODEL_JUDGED = Metric(
    name="wattmesh.forecast.model_judged",
    kind=MetricKind.COUNTER,
    unit="{model}",
    description="Versions in service held against what meters recorded, by wattmesh.forecast.kind"
    " and wattmesh.forecast.standing.",
)
MODEL_TAKEN_BACK = Metric(
    name="wattmesh.forecast.model_taken_back",
    kind=MetricKind.COUNTER,
    unit="{model}",
    description="Versions that went out of service because the naive forecast was better, by"
    " wattmesh.forecast.kind.",
)
MODEL_TRIED = Metric(
    name="wattmesh.forecast.model_tried",
    kind=MetricKind.COUNTER,
    unit="{model}",
    description="Candidates that became canary or stable or went back, by wattmesh.forecast.kind"
    " and wattmesh.forecast.step.",
)
NOT_FORECAST = Metric(
    name="wattmesh.forecast.not_issued",
    kind=MetricKind.COUNTER,
    unit="{asset}",
    description="Assets that were asked for and not forecast, by wattmesh.forecast.reason.",
)
