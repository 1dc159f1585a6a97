"""The OpenTelemetry SDK with its exporters; imported only when telemetry is on."""

import threading
from wsgiref.simple_server import WSGIServer

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NoOpTracer, Tracer
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_runtime.tracing import given_ids

METRIC_INTERVAL_MS = 15_000
EXPORT_TIMEOUT_SECONDS = 2


class Providers:
    """Tracer and meter: both send to a collector, where one is named; metrics are served too.

    Error: FailedPrecondition `CANNOT_LISTEN`.
    """

    def __init__(
        self, service_name: str, endpoint: str | None, metrics_address: str | None, ratio: float
    ) -> None:
        resource = Resource.create({SERVICE_NAME: service_name, SERVICE_NAMESPACE: "wattmesh"})
        self._served = None if metrics_address is None else _Served(metrics_address)
        readers: list[MetricReader] = [] if self._served is None else [self._served.reader]
        self._traces: TracerProvider | None = None
        self.tracer: Tracer = NoOpTracer()
        if endpoint is not None:
            readers.append(PeriodicExportingMetricReader(_metrics_to(endpoint), METRIC_INTERVAL_MS))
            self._traces = _traces_to(endpoint, resource, ratio)
            self.tracer = self._traces.get_tracer("wattmesh_runtime")
        self._metrics = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self.meter: Meter = (
            self._metrics.get_meter("wattmesh_runtime") if readers else NoOpMeter("")
        )

    @property
    def metrics_address(self) -> str | None:
        """host:port where metrics are fetched, with the port that is really bound."""
        return None if self._served is None else self._served.address

    def shutdown(self) -> None:
        """Flush and stop; blocks."""
        if self._traces is not None:
            self._traces.shutdown()
        self._metrics.shutdown()
        if self._served is not None:
            self._served.close()


class _Served:
    """A port of plain HTTP on which Prometheus fetches the metrics."""

    def __init__(self, address: str) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.reader = PrometheusMetricReader(
            registry=registry,
            scope_info_enabled=False,
            resource_attribute_filter=lambda name: name == SERVICE_NAME,
        )
        host, _, port = address.rpartition(":")
        try:
            self._server: WSGIServer
            self._thread: threading.Thread
            self._server, self._thread = start_http_server(int(port), host, registry)
        except OSError as error:
            raise FailedPrecondition("CANNOT_LISTEN", f"cannot listen on {address}") from error
        self.address = f"{host}:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Ids(RandomIdGenerator):
    """Random ids, but for a span that was given some: a turn's."""

    def generate_span_id(self) -> int:
        given = given_ids.get()
        return super().generate_span_id() if given is None else given.span_id

    def generate_trace_id(self) -> int:
        given = given_ids.get()
        return super().generate_trace_id() if given is None else given.trace_id


def _traces_to(endpoint: str, resource: Resource, ratio: float) -> TracerProvider:
    provider = TracerProvider(
        resource=resource,
        id_generator=_Ids(),
        sampler=ParentBased(TraceIdRatioBased(ratio)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(
        endpoint=endpoint, insecure=_insecure(endpoint), timeout=EXPORT_TIMEOUT_SECONDS
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _metrics_to(endpoint: str) -> OTLPMetricExporter:
    return OTLPMetricExporter(
        endpoint=endpoint, insecure=_insecure(endpoint), timeout=EXPORT_TIMEOUT_SECONDS
    )


def _insecure(endpoint: str) -> bool:
    return not endpoint.startswith("https://")
