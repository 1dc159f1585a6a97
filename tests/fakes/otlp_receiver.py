"""A receiver of traces and metrics, in a thread of its own: what a collector would be told."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)


@dataclass(frozen=True, kw_only=True)
class ReceivedSpan:
    """One span, and the service that sent it."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    failed: bool
    attributes: dict[str, Any] = field(hash=False)
    links: tuple[str, ...]
    """Trace ids of what it is linked to."""

    @property
    def title(self) -> str:
        """The service and what it did."""
        return f"{self.service}: {self.name}"


class OtlpReceiver:
    """Keeps what is sent to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[ReceivedSpan] = []
        self.metrics: dict[str, Any] = {}
        self.endpoint = ""

    @property
    def spans(self) -> list[ReceivedSpan]:
        """All spans so far."""
        with self._lock:
            return list(self._spans)

    def trace(self, trace_id: str) -> list[ReceivedSpan]:
        """The spans of one trace."""
        return [each for each in self.spans if each.trace_id == trace_id]

    def take_spans(self, request: Any, context: Any) -> Any:
        """Keep spans."""
        received = [
            _span(_text(resource.resource.attributes, "service.name"), span)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._spans += received
        return trace_service_pb2.ExportTraceServiceResponse()

    def take_metrics(self, request: Any, context: Any) -> Any:
        """Keep the newest of every metric."""
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                self.metrics |= {metric.name: metric for metric in scope.metrics}
        return metrics_service_pb2.ExportMetricsServiceResponse()


@contextmanager
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """Run a receiver on loopback."""
    receiver = OtlpReceiver()
    server = grpc.server(ThreadPoolExecutor(4))
    traces: Any = TraceServiceServicer()
    traces.Export = receiver.take_spans
    metrics: Any = MetricsServiceServicer()
    metrics.Export = receiver.take_metrics
    add_traces: Any = add_TraceServiceServicer_to_server
    add_metrics: Any = add_MetricsServiceServicer_to_server
    add_traces(traces, server)
    add_metrics(metrics, server)
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(None).wait()


def below(spans: list[ReceivedSpan], top: ReceivedSpan) -> set[str]:
    """Return the titles of all that is below a span, however deep."""
    titles, parents = set[str](), {top.span_id}
    while parents:
        children = [each for each in spans if each.parent_id in parents]
        titles |= {each.title for each in children}
        parents = {each.span_id for each in children}
    return titles


def _span(service: str, span: Any) -> ReceivedSpan:
    return ReceivedSpan(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=span.kind,
        failed=span.status.code == 2,
        attributes={each.key: _value(each.value) for each in span.attributes},
        links=tuple(each.trace_id.hex() for each in span.links),
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


def _text(attributes: Any, key: str) -> str:
    return next((each.value.string_value for each in attributes if each.key == key), "")
