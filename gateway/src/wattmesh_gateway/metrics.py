"""The metrics of the gateway, declared before use."""

from wattmesh_runtime.metrics import Metric, MetricKind

TELEGRAMS_RECEIVED = Metric(
    name="wattmesh.gateway.telegrams.received",
    kind=MetricKind.COUNTER,
    unit="{telegram}",
    description="Telegrams received since the spool was made.",
)
READINGS_RECEIVED = Metric(
    name="wattmesh.gateway.readings.received",
    kind=MetricKind.COUNTER,
    unit="{reading}",
    description="Readings taken from telegrams since the spool was made.",
)
READINGS_POLLED = Metric(
    name="wattmesh.gateway.readings.polled",
    kind=MetricKind.COUNTER,
    unit="{reading}",
    description="Readings polled from devices since the spool was made.",
)
READINGS_REJECTED = Metric(
    name="wattmesh.gateway.readings.rejected",
    kind=MetricKind.COUNTER,
    unit="{reading}",
    description="Telegrams or values not understood since the spool was made.",
)
READINGS_FORWARDED = Metric(
    name="wattmesh.gateway.readings.forwarded",
    kind=MetricKind.COUNTER,
    unit="{reading}",
    description="Readings acknowledged by metering since the spool was made.",
)
READINGS_SPOOLED = Metric(
    name="wattmesh.gateway.readings.spooled",
    kind=MetricKind.GAUGE,
    unit="{reading}",
    description="Readings on disk that metering has not acknowledged.",
)
TELEGRAMS_QUARANTINED = Metric(
    name="wattmesh.gateway.telegrams.quarantined",
    kind=MetricKind.COUNTER,
    unit="{telegram}",
    description="Telegrams set aside since the spool was made.",
)
TELEGRAMS_DROPPED = Metric(
    name="wattmesh.gateway.telegrams.dropped",
    kind=MetricKind.COUNTER,
    unit="{telegram}",
    description="Telegrams at QoS 0 for which there was no room, since the gateway started.",
)
DEVICES_ONLINE = Metric(
    name="wattmesh.gateway.devices.online",
    kind=MetricKind.GAUGE,
    unit="{device}",
    description="Devices that answer.",
)
DEVICES_OFFLINE = Metric(
    name="wattmesh.gateway.devices.offline",
    kind=MetricKind.GAUGE,
    unit="{device}",
    description="Devices that do not answer.",
)
