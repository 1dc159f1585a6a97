"""The planner's metrics."""

from wattmesh_runtime.metrics import Metric, MetricKind

PLANS = Metric(
    name="wattmesh.planner.plans",
    kind=MetricKind.COUNTER,
    unit="{plan}",
    description="Plans, by state: made, late or failed.",
)
DEGRADATIONS = Metric(
    name="wattmesh.planner.degradations",
    kind=MetricKind.COUNTER,
    unit="{degradation}",
    description="What plans were made without knowing, by topic, reason and remedy.",
)
SOLVE_DURATION = Metric(
    name="wattmesh.planner.solve.duration",
    kind=MetricKind.HISTOGRAM,
    unit="s",
    description="Wall time of the solver.",
)
