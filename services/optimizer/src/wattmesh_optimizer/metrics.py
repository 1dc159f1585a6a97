"""Every metric of the optimizer."""

from wattmesh_runtime.metrics import Metric, MetricKind

SOLVE_DURATION = Metric(
    name="wattmesh.optimizer.solve.duration",
    kind=MetricKind.HISTOGRAM,
    unit="s",
    description="Time from problem to plan, by solve.status and solve.mixed_integer.",
)
UNMET_WISHES = Metric(
    name="wattmesh.optimizer.unmet_wishes",
    kind=MetricKind.COUNTER,
    unit="{wish}",
    description="Wishes plans could not meet, by wish.kind.",
)
