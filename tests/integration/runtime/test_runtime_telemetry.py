"""Traces and metrics arrive at a collector, and one that is away does no harm."""

import time
from typing import Any

import grpc
import pytest
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

from tests.fakes.probe_service import ProbeService, ProbeStub, text
from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.grpc_server import GrpcServer
from wattmesh_runtime.metrics import Metric, MetricKind
from wattmesh_runtime.telemetry import FLUSH_SECONDS, Telemetry
from wattmesh_runtime.testing import SETTINGS, serve_for_test

READINGS = Metric(
    name="test.readings", kind=MetricKind.COUNTER, unit="{reading}", description="Readings."
)


class Collector:
    """Keeps what is sent to it."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}

    async def export_traces(self, request: Any, context: Any) -> Any:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return trace_service_pb2.ExportTraceServiceResponse()

    async def export_metrics(self, request: Any, context: Any) -> Any:
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                self.metrics |= {metric.name: metric for metric in scope.metrics}
        return metrics_service_pb2.ExportMetricsServiceResponse()

    def register_traces(self, server: grpc.aio.Server) -> None:
        handlers: Any = TraceServiceServicer()
        handlers.Export = self.export_traces
        add: Any = add_TraceServiceServicer_to_server
        add(handlers, server)

    def register_metrics(self, server: grpc.aio.Server) -> None:
        handlers: Any = MetricsServiceServicer()
        handlers.Export = self.export_metrics
        add: Any = add_MetricsServiceServicer_to_server
        add(handlers, server)


async def call_with(telemetry: Telemetry, *answers: str) -> None:
    async def fail(value: str) -> str:
        if value == "fail":
            raise ValueError(value)
        return value

    server = GrpcServer((ProbeService(fail).register,), (), SETTINGS, telemetry)
    channel = open_channel(await server.start(), SETTINGS, telemetry)
    for answer in answers:
        try:
            await ProbeStub(channel).Unary(text(answer))
        except grpc.aio.AioRpcError:
            continue
    await channel.close()
    await server.stop()


async def test_one_call_is_one_trace_and_is_measured() -> None:
    collector = Collector()
    async with (
        serve_for_test(collector.register_traces, collector.register_metrics) as target,
        Telemetry("probe", f"http://{target}") as telemetry,
    ):
        telemetry.counter(READINGS).add(3)
        await call_with(telemetry, "ok", "fail")
    by_kind = {(span.kind, span.status.code): span for span in collector.spans}
    client, server = by_kind[3, 0], by_kind[2, 0]
    assert client.trace_id == server.trace_id
    assert server.parent_span_id == client.span_id
    assert (3, 2) in by_kind
    assert (2, 2) in by_kind
    assert {"test.readings", "rpc.server.call.duration", "rpc.client.call.duration"} <= set(
        collector.metrics
    )
    assert collector.metrics["test.readings"].unit == "{reading}"


async def test_a_collector_that_is_away_delays_only_the_end() -> None:
    telemetry = Telemetry("probe", "http://127.0.0.1:1")
    await call_with(telemetry, "ok")
    before = time.monotonic()
    await telemetry.close()
    assert time.monotonic() - before < FLUSH_SECONDS + 1


async def test_without_an_endpoint_nothing_is_sent_and_everything_works() -> None:
    async with Telemetry("probe") as telemetry:
        telemetry.counter(READINGS).add(1)
        await call_with(telemetry, "ok")
        assert not telemetry.enabled


def test_a_metric_is_used_as_what_it_is_declared() -> None:
    with pytest.raises(ValueError, match=r"test\.readings"):
        Telemetry("probe").gauge(READINGS)
