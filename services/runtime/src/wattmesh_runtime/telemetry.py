"""OpenTelemetry traces and metrics: sent to an OTLP endpoint, or off without one.

When it is off there is no SDK, no thread and no span; a caller's trace context still passes
through to the services that this one calls.
"""

import asyncio
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from opentelemetry.metrics import Counter, Histogram, Meter, NoOpMeter
from opentelemetry.trace import NoOpTracer, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from wattmesh_runtime.metrics import Metric, MetricKind

if TYPE_CHECKING:
    from wattmesh_runtime.otlp import OtlpProviders

FLUSH_SECONDS = 3.0
"""How long the process waits for its last traces and metrics to leave."""

PROPAGATOR = TraceContextTextMapPropagator()
"""Reads and writes the W3C `traceparent` of a call's metadata."""


class Gauge(Protocol):
    """A value that is set, such as a queue's length."""

    def set(self, amount: float) -> None:
        """Record the present value."""


class Telemetry:
    """Tracer and metric instruments of one process; an async context manager.

    Parameters: `service_name` as in `service.name`, `endpoint` of an OTLP gRPC collector
    (`http://host:4317` without, `https://…` with TLS), or None for off.
    """

    def __init__(self, service_name: str, endpoint: str | None = None) -> None:
        self.tracer: Tracer = NoOpTracer()
        self._meter: Meter = NoOpMeter(service_name)
        self._providers = None if endpoint is None else _providers(service_name, endpoint)
        if self._providers is not None:
            self.tracer, self._meter = self._providers.tracer, self._providers.meter

    @property
    def enabled(self) -> bool:
        """Whether anything is sent."""
        return self._providers is not None

    def counter(self, metric: Metric) -> Counter:
        """Return the instrument of a declared counter."""
        _check(metric, MetricKind.COUNTER)
        return self._meter.create_counter(metric.name, metric.unit, metric.description)

    def histogram(self, metric: Metric) -> Histogram:
        """Return the instrument of a declared histogram."""
        _check(metric, MetricKind.HISTOGRAM)
        return self._meter.create_histogram(metric.name, metric.unit, metric.description)

    def gauge(self, metric: Metric) -> Gauge:
        """Return the instrument of a declared gauge."""
        _check(metric, MetricKind.GAUGE)
        return self._meter.create_gauge(metric.name, metric.unit, metric.description)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Send what is left and stop; waits at most FLUSH_SECONDS for a collector that is away."""
        if self._providers is not None:
            # A daemon thread: one that hangs must not keep the process from ending.
            flush = threading.Thread(target=self._providers.shutdown, daemon=True)
            flush.start()
            await asyncio.to_thread(flush.join, FLUSH_SECONDS)


def _providers(service_name: str, endpoint: str) -> "OtlpProviders":
    # Imported here, so that only a process that sends telemetry loads the SDK.
    from wattmesh_runtime.otlp import OtlpProviders

    return OtlpProviders(service_name, endpoint)


def _check(metric: Metric, kind: MetricKind) -> None:
    if metric.kind is not kind:
        raise ValueError(f"{metric.name} is declared as a {metric.kind}, not as a {kind}")
