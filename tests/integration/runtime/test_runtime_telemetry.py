"""Traces and metrics arrive at a collector, and one that is away does no harm."""

import urllib.request

import grpc
import pytest

from tests.fakes.otlp_receiver import below, otlp_receiver
from tests.fakes.probe_service import ProbeService, ProbeStub, text
from tests.fakes.stopwatch import Stopwatch
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_runtime.aio.spans import Span, record_turn, trace_parent, traced
from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.grpc_server import GrpcServer
from wattmesh_runtime.metrics import Metric, MetricKind
from wattmesh_runtime.readiness import ProcessStatus
from wattmesh_runtime.status_metrics import show_status
from wattmesh_runtime.telemetry import FLUSH_SECONDS, Telemetry
from wattmesh_runtime.testing import SETTINGS

READINGS = Metric(
    name="test.readings", kind=MetricKind.COUNTER, unit="{reading}", description="Readings."
)
WAITS = Metric(name="test.wait", kind=MetricKind.HISTOGRAM, unit="s", description="Waits.")
TURN = Span(name="test.turn", description="A turn.")
PLAN = Span(name="test.plan", description="A plan.")
WORK = Span(name="test.work", description="What a command needs.")

FIRST, AGAIN = "plans/home-1-20160905t0700z", "plans/home-1-20160905t0700z-2"


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


def fetched(telemetry: Telemetry) -> str:
    url = f"http://{telemetry.metrics_address}/metrics"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
        page: bytes = answer.read()
    return page.decode()


async def test_one_call_is_one_trace_and_is_measured() -> None:
    with otlp_receiver() as collector:
        async with Telemetry("probe", collector.endpoint) as telemetry:
            telemetry.counter(READINGS).add(3)
            await call_with(telemetry, "ok", "fail")
    by_kind = {(span.kind, span.failed): span for span in collector.spans}
    client, server = by_kind[3, False], by_kind[2, False]
    assert client.trace_id == server.trace_id
    assert server.parent_id == client.span_id
    assert (3, True) in by_kind
    assert (2, True) in by_kind
    assert {"test.readings", "rpc.server.call.duration", "rpc.client.call.duration"} <= set(
        collector.metrics
    )
    assert collector.metrics["test.readings"].unit == "{reading}"


async def test_a_turn_is_one_trace_though_processes_know_its_name_alone() -> None:
    with otlp_receiver() as collector:
        async with Telemetry("planner", collector.endpoint) as telemetry:
            with traced(PLAN, turn=FIRST, scope="groups/street"):
                await call_with(telemetry, "ok")
            record_turn(TURN, FIRST, seconds=2.0)
        async with Telemetry("control", collector.endpoint):
            with traced(WORK, turn=AGAIN):
                handed_on = trace_parent()
        async with Telemetry("gateway", collector.endpoint):
            with traced(WORK, parents=(handed_on,)), traced(PLAN):
                pass
    (root,) = [each for each in collector.spans if each.name == "test.turn"]
    assert root.parent_id == ""
    assert {each.trace_id for each in collector.spans} == {root.trace_id}
    assert below(collector.spans, root) == {
        *("planner: test.plan", "planner: wattmesh.probe.v1.ProbeService/Unary"),
        *("control: test.work", "gateway: test.work", "gateway: test.plan"),
    }
    assert root.attributes == {"wattmesh.turn": "home-1-20160905t0700z"}


async def test_a_turn_that_failed_says_why() -> None:
    with otlp_receiver() as collector:
        async with Telemetry("planner", collector.endpoint):
            record_turn(TURN, FIRST, failure="nobody was there")
    assert [each.failed for each in collector.spans] == [True]


async def test_of_a_turn_all_processes_keep_the_trace_or_none_does() -> None:
    turns = [f"plans/home-{number}-20160905t0700z" for number in range(60)]
    with otlp_receiver() as collector:
        for service in ("planner", "control"):
            async with Telemetry(service, collector.endpoint, trace_ratio=0.5):
                for turn in turns:
                    with traced(WORK, turn=turn):
                        pass
                    if service == "planner":
                        record_turn(TURN, turn)
    kept = {each.trace_id for each in collector.spans}
    assert 10 < len(kept) < 50
    for trace in kept:
        assert len(collector.trace(trace)) == 3


async def test_what_came_together_is_linked_to_all_that_it_came_from() -> None:
    with otlp_receiver() as collector:
        async with Telemetry("gateway", collector.endpoint):
            sent = []
            for _ in range(2):
                with traced(WORK):
                    sent.append(trace_parent())
            with traced(PLAN, parents=("", *sent)):
                pass
    first, second = (each.trace_id for each in collector.spans if each.name == "test.work")
    (commit,) = (each for each in collector.spans if each.name == "test.plan")
    assert (commit.trace_id, commit.links) == (first, (second,))


async def test_a_collector_that_is_away_delays_only_the_end() -> None:
    telemetry = Telemetry("probe", "http://127.0.0.1:1")
    await call_with(telemetry, "ok")
    with Stopwatch() as watch:
        await telemetry.close()
    assert watch.seconds < FLUSH_SECONDS + 1


async def test_without_an_endpoint_nothing_is_sent_and_everything_works() -> None:
    async with Telemetry("probe") as telemetry:
        telemetry.counter(READINGS).add(1)
        with traced(WORK, turn=FIRST):
            await call_with(telemetry, "ok")
            assert trace_parent() == ""
        assert not telemetry.enabled


async def test_prometheus_fetches_metrics_with_their_units_and_the_service() -> None:
    async with Telemetry("probe", metrics_address="127.0.0.1:0") as telemetry:
        telemetry.counter(READINGS).add(3)
        telemetry.histogram(WAITS).record(0.02)
        show_status(telemetry, ProcessStatus("probe"))
        await call_with(telemetry, "ok")
        page = fetched(telemetry)
    assert 'test_readings_total{service_name="probe"} 3.0' in page
    assert 'test_wait_seconds_bucket{le="0.025",service_name="probe"} 1' in page
    assert 'wattmesh_process_ready{service_name="probe"} 1' in page
    assert "rpc_server_call_duration_seconds_count" in page


async def test_a_count_that_is_kept_on_disk_is_shown_as_it_is() -> None:
    async with Telemetry("probe", metrics_address="127.0.0.1:0") as telemetry:
        kept = telemetry.total(READINGS)
        before = fetched(telemetry)
        kept.set(4_000)
        after = fetched(telemetry)
    assert "test_readings_total{" not in before
    assert 'test_readings_total{service_name="probe"} 4000.0' in after


async def test_an_address_that_is_taken_ends_the_start_with_a_reason() -> None:
    async with Telemetry("probe", metrics_address="127.0.0.1:0") as telemetry:
        with pytest.raises(FailedPrecondition, match="cannot listen"):
            Telemetry("other", metrics_address=telemetry.metrics_address)


def test_a_metric_is_used_as_what_it_is_declared() -> None:
    with pytest.raises(ValueError, match=r"test\.readings"):
        Telemetry("probe").gauge(READINGS)
