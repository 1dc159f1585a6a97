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
    description="Gateways that hold a stream to this process.",
)
CLOCK_SKEW = Metric(
    name="wattmesh.control.gateways.clock_skew",
    kind=MetricKind.GAUGE,
    unit="s",
    description="Largest difference between control's clock and that of a gateway connected here.",
)
CLOCK_REFUSED = Metric(
    name="wattmesh.control.gateways.clock_refused",
    kind=MetricKind.GAUGE,
    unit="{gateway}",
    description="Gateways connected here that get no commands, as their clocks differ too much.",
)
SHARDS = Metric(
    name="wattmesh.control.shards",
    kind=MetricKind.GAUGE,
    unit="{gateway}",
    description="Gateways whose devices this process looks after.",
)
SET_ASIDE = Metric(
    name="wattmesh.control.devices.set_aside",
    kind=MetricKind.GAUGE,
    unit="{device}",
    description="Devices that are set aside, because control failed on each of them alone.",
)
EFFECTS = Metric(
    name="wattmesh.control.effects",
    kind=MetricKind.COUNTER,
    unit="{command}",
    description="Commands whose metered effect was stored.",
)
VERDICTS = Metric(
    name="wattmesh.control.verdicts",
    kind=MetricKind.COUNTER,
    unit="{command}",
    description="Verdicts by wattmesh.effect, wattmesh.effect.reason and wattmesh.effect.final.",
)
AMISS = Metric(
    name="wattmesh.control.devices.amiss",
    kind=MetricKind.GAUGE,
    unit="{device}",
    description="Devices whose last command had no effect, or the opposite one.",
)
