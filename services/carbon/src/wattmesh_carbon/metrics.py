"""The metrics of carbon, declared before use."""

from wattmesh_runtime.metrics import Metric, MetricKind

PUBLISHED = Metric(
    name="wattmesh.carbon.intervals.published",
    kind=MetricKind.COUNTER,
    unit="{interval}",
    description="Intervals whose intensity was published, by wattmesh.carbon.basis.",
)
READ = Metric(
    name="wattmesh.carbon.intervals.read",
    kind=MetricKind.COUNTER,
    unit="{interval}",
    description="Intervals whose intensity was asked for, by wattmesh.carbon.basis and"
    " wattmesh.carbon.known: whether it was published.",
)
