"""The OpenTelemetry SDK with its OTLP gRPC exporters; imported only when telemetry is on."""

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

METRIC_INTERVAL_MS = 15_000
EXPORT_TIMEOUT_SECONDS = 2


class OtlpProviders:
    """Tracer and meter that send to one collector."""

    def __init__(self, service_name: str, endpoint: str) -> None:
        resource = Resource.create({SERVICE_NAME: service_name, SERVICE_NAMESPACE: "wattmesh"})
        insecure = not endpoint.startswith("https://")
        spans = OTLPSpanExporter(
            endpoint=endpoint, insecure=insecure, timeout=EXPORT_TIMEOUT_SECONDS
        )
        metrics = OTLPMetricExporter(
            endpoint=endpoint, insecure=insecure, timeout=EXPORT_TIMEOUT_SECONDS
        )
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(BatchSpanProcessor(spans))
        reader = PeriodicExportingMetricReader(metrics, METRIC_INTERVAL_MS)
        self._metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self.tracer = self._traces.get_tracer("wattmesh_runtime")
        self.meter = self._metrics.get_meter("wattmesh_runtime")

    def shutdown(self) -> None:
        """Flush and stop; blocks."""
        self._traces.shutdown()
        self._metrics.shutdown()
