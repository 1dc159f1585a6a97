"""Every metric of the optimizer."""

from wattmesh_runtime.metrics import Metric, MetricKind

SOLVE_DURATION = Metric(
    name="wattmesh.optimizer.solve.duration",
    kind=MetricKind.HISTOGRAM,
    unit="s",
    description="Time from problem to plan, by solve.status and solve.mixed_integer.",
)
UNMET_REQUIREMENTS = Metric(
    name="wattmesh.optimizer.unmet_requirements",
    kind=MetricKind.COUNTER,
    unit="{requirement}",
    description="Requirements plans could not meet, by requirement.kind.",
)
