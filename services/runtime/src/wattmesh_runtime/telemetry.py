"""OpenTelemetry traces and metrics: sent to an OTLP endpoint, served to Prometheus, or off.

When it is off there is no SDK, no thread and no span; a caller's trace context still passes
through to the services that this one calls.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    NoOpMeter,
    Observation,
)
from opentelemetry.trace import NoOpTracer, Tracer

from wattmesh_runtime.aio.spans import record_by
from wattmesh_runtime.metrics import SECONDS_BOUNDS, Metric, MetricKind
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.tracing import SpanRecorder

if TYPE_CHECKING:
    from wattmesh_runtime.otlp import Providers

FLUSH_SECONDS = 3.0
"""How long the process waits for its last traces and metrics to leave."""


_BOUNDS = {"s": SECONDS_BOUNDS}


class Gauge(Protocol):
    """A value that is set, such as a queue's length."""

    def set(self, amount: float) -> None:
        """Record the present value."""


class Total:
    """A counter that somebody else keeps, as on disk: it is shown as it is."""

    def __init__(self) -> None:
        self._amount: float | None = None

    def set(self, amount: float) -> None:
        """Take over the present count."""
        self._amount = amount

    def observe(self, options: CallbackOptions) -> list[Observation]:
        """Return the count, once there is one."""
        return [] if self._amount is None else [Observation(self._amount)]


class Telemetry:
    """Tracer and metric instruments of one process; an async context manager.

    Whatever runs within it is recorded, if anything is traced.
    Parameters: `service_name` as in `service.name`, `endpoint` of an OTLP gRPC collector
    (`http://host:4317` without, `https://…` with TLS), or None for no traces; `metrics_address`
    (host:port) where Prometheus fetches metrics, or None; `trace_ratio`, the share of traces that
    are kept.
    """

    def __init__(
        self,
        service_name: str,
        endpoint: str | None = None,
        *,
        metrics_address: str | None = None,
        trace_ratio: float = 1.0,
    ) -> None:
        self.tracer: Tracer = NoOpTracer()
        self._meter: Meter = NoOpMeter(service_name)
        self._providers: Providers | None = None
        self._recorder: SpanRecorder | None = None
        if endpoint is not None or metrics_address is not None:
            self._providers = _providers(service_name, endpoint, metrics_address, trace_ratio)
            self.tracer, self._meter = self._providers.tracer, self._providers.meter
        if endpoint is not None:
            self._recorder = SpanRecorder(self.tracer, trace_ratio)

    @classmethod
    def of(cls, service_name: str, settings: ServiceSettings) -> "Telemetry":
        """Return what the settings of a process say."""
        return cls(
            service_name,
            settings.otlp_endpoint,
            metrics_address=settings.metrics_address,
            trace_ratio=settings.trace_ratio,
        )

    @property
    def enabled(self) -> bool:
        """Whether anything is sent or served."""
        return self._providers is not None

    @property
    def metrics_address(self) -> str | None:
        """host:port where Prometheus fetches metrics; None: nowhere."""
        return None if self._providers is None else self._providers.metrics_address

    def counter(self, metric: Metric) -> Counter:
        """Return the instrument of a declared counter."""
        _check(metric, MetricKind.COUNTER)
        return self._meter.create_counter(metric.name, metric.unit, metric.description)

    def total(self, metric: Metric) -> Total:
        """Return a declared counter whose count is kept elsewhere, and survives the process."""
        _check(metric, MetricKind.COUNTER)
        total = Total()
        self._meter.create_observable_counter(
            metric.name, [total.observe], metric.unit, metric.description
        )
        return total

    def histogram(self, metric: Metric) -> Histogram:
        """Return the instrument of a declared histogram."""
        _check(metric, MetricKind.HISTOGRAM)
        return self._meter.create_histogram(
            metric.name,
            metric.unit,
            metric.description,
            explicit_bucket_boundaries_advisory=metric.bounds or _BOUNDS.get(metric.unit),
        )

    def gauge(self, metric: Metric) -> Gauge:
        """Return the instrument of a declared gauge."""
        _check(metric, MetricKind.GAUGE)
        return self._meter.create_gauge(metric.name, metric.unit, metric.description)

    def watched(self, metric: Metric, look: Callable[[], Iterable[Observation]]) -> None:
        """Show a declared gauge as it is whenever somebody looks; `look` runs in any thread."""
        _check(metric, MetricKind.GAUGE)
        self._meter.create_observable_gauge(
            metric.name, [lambda options: look()], metric.unit, metric.description
        )

    async def __aenter__(self) -> Self:
        record_by(self._recorder)
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
        record_by(None)
        if self._providers is not None:
            # A daemon thread: one that hangs must not keep the process from ending.
            flush = threading.Thread(target=self._providers.shutdown, daemon=True)
            flush.start()
            await asyncio.to_thread(flush.join, FLUSH_SECONDS)


def _providers(
    service_name: str, endpoint: str | None, metrics_address: str | None, ratio: float
) -> "Providers":
    # Imported here, so that only a process that sends or serves telemetry loads the SDK.
    from wattmesh_runtime.otlp import Providers

    return Providers(service_name, endpoint, metrics_address, ratio)


def _check(metric: Metric, kind: MetricKind) -> None:
    if metric.kind is not kind:
        raise ValueError(f"{metric.name} is declared as a {metric.kind}, not as a {kind}")
