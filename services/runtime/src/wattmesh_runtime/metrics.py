"""The runtime's metrics and the type in which every metric is declared before use."""

from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """How a metric's values add up."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A declared metric: a service lists its own in one module `metrics.py`."""

    name: str
    kind: MetricKind
    unit: str
    """UCUM unit, as OpenTelemetry writes it: `s`, `By`, `{reading}`."""
    description: str
    bounds: tuple[float, ...] = ()
    """A histogram's buckets end here, in its unit; empty: those of its unit."""


SECONDS_BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Where buckets of durations end [s]: from a lookup to what is given up."""

SERVER_CALL_DURATION = Metric(
    name="rpc.server.call.duration",
    kind=MetricKind.HISTOGRAM,
    unit="s",
    description="Time a call took in the server, by rpc.method and rpc.response.status_code.",
)
CLIENT_CALL_DURATION = Metric(
    name="rpc.client.call.duration",
    kind=MetricKind.HISTOGRAM,
    unit="s",
    description="Time a unary call took its caller, by rpc.method and rpc.response.status_code.",
)
PROCESS_READY = Metric(
    name="wattmesh.process.ready",
    kind=MetricKind.GAUGE,
    unit="{process}",
    description="Whether everything is there that the process cannot do without: 1 or 0.",
)
CERTIFICATE_END = Metric(
    name="wattmesh.process.certificate.end.time",
    kind=MetricKind.GAUGE,
    unit="s",
    description="When the certificate ends that the process shows, in seconds since 1970.",
)
DEPENDENCY_AVAILABLE = Metric(
    name="wattmesh.dependency.available",
    kind=MetricKind.GAUGE,
    unit="{dependency}",
    description="Whether what the process depends on is there: 1 or 0, by wattmesh.dependency and"
    " wattmesh.dependency.required.",
)
