"""The metrics of control, declared before use."""

from wattmesh_runtime.metrics import Metric, MetricKind

COMMANDS = Metric(
    name="wattmesh.control.commands",
    kind=MetricKind.COUNTER,
    unit="{command}",
    description="Commands that came into a state, by wattmesh.command.state.",
)
REPORTS_IGNORED = Metric(
    name="wattmesh.control.reports.ignored",
    kind=MetricKind.COUNTER,
    unit="{report}",
    description="Reports of gateways that changed nothing: late, repeated or not their own.",
)
GATEWAYS = Metric(
    name="wattmesh.control.gateways",
    kind=MetricKind.GAUGE,
    unit="{gateway}",
    description="Gateways that hold a stream.",
)
EFFECTS = Metric(
    name="wattmesh.control.effects",
    kind=MetricKind.COUNTER,
    unit="{command}",
    description="Commands whose metered effect was stored.",
)
