"""Every metric of metering."""

from wattmesh_runtime.metrics import Metric, MetricKind

READINGS = Metric(
    name="wattmesh.metering.readings",
    kind=MetricKind.COUNTER,
    unit="{reading}",
    description="Readings that came in, by outcome: stored, duplicate, revised or rejected.",
)
COMMIT_DURATION = Metric(
    name="wattmesh.metering.commit.duration",
    kind=MetricKind.HISTOGRAM,
    unit="s",
    description="Time to commit a group of batches.",
)
COMMIT_BATCHES = Metric(
    name="wattmesh.metering.commit.batches",
    kind=MetricKind.HISTOGRAM,
    unit="{batch}",
    description="Batches that were committed together.",
)
COMMIT_FAILURES = Metric(
    name="wattmesh.metering.commit.failures",
    kind=MetricKind.COUNTER,
    unit="{commit}",
    description="Groups of batches that could not be committed.",
)
