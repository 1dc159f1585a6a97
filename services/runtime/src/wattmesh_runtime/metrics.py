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
