"""A service as a process: what it says, what it offers, and how it ends."""

import asyncio
import signal
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.fakes.probe_service import NAME, ProbeStub, text
from tests.fakes.running_probe import serving, started
from tests.fakes.stopwatch import Stopwatch
from wattmesh_runtime.testing import channel_for_test

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(channel: Any, name: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=name))).status)


async def test_health_reflection_and_channelz_answer() -> None:
    async with serving() as probe, channel_for_test(probe.target) as channel:
        assert await health(channel) == SERVING
        assert await health(channel, NAME) == SERVING
        stock: Any = channel  # the stock stubs are typed for channels that are not asynchronous
        reflection: Any = reflection_pb2_grpc.ServerReflectionStub(stock)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        listed = await anext(aiter(reflection.ServerReflectionInfo(iter([request]))))
        assert NAME in {service.name for service in listed.list_services_response.service}
        channelz: Any = channelz_pb2_grpc.ChannelzStub(stock)
        servers = await channelz.GetServers(channelz_pb2.GetServersRequest())
        assert len(servers.server) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_signal_drains_calls_in_flight(number: signal.Signals) -> None:
    async with serving() as probe, channel_for_test(probe.target) as channel:
        slow = asyncio.ensure_future(ProbeStub(channel).Unary(text("1")))
        await asyncio.sleep(0.2)
        probe.process.send_signal(number)
        assert (await slow).value == "1"
        assert await probe.end() == 0
        assert "wiring closed" in probe.log


async def test_health_says_not_serving_before_calls_are_refused() -> None:
    async with (
        serving(shutdown_notice_seconds="0.5") as probe,
        channel_for_test(probe.target) as channel,
    ):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        states = aiter(stub.Watch(health_pb2.HealthCheckRequest()))
        assert (await anext(states)).status == SERVING
        probe.process.send_signal(signal.SIGTERM)
        assert (await anext(states)).status == NOT_SERVING
        assert (await ProbeStub(channel).Unary(text("0"))).value == "0"
        assert await probe.end() == 0


async def test_an_endless_stream_does_not_hold_up_a_stop() -> None:
    async with serving() as probe, channel_for_test(probe.target) as channel:
        answers = aiter(ProbeStub(channel).Watch(text("0.05")))
        await anext(answers)
        with Stopwatch() as watch:
            probe.process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in answers:
                    pass
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert await probe.end() == 0
        assert watch.seconds < 3


async def test_a_call_in_flight_survives_the_kill_and_restart_of_its_server() -> None:
    async with serving() as probe, channel_for_test(probe.target) as channel:
        stub = ProbeStub(channel)
        assert (await stub.Unary(text("0"))).value == "0"
        slow = asyncio.ensure_future(stub.Unary(text("0.3"), timeout=50))
        await asyncio.sleep(0.1)
        probe.process.kill()
        await probe.end()
        while_away = asyncio.ensure_future(stub.Unary(text("0"), timeout=50))
        await asyncio.sleep(2)
        async with serving(listen_address=probe.target):
            with Stopwatch() as watch:
                assert (await while_away).value == "0"
                assert (await slow).value == "0.3"
            assert watch.seconds < 10, "a line that is dialled anew waits no 20 s for it"


async def test_a_stream_fails_at_once_while_its_server_is_away() -> None:
    async with channel_for_test("127.0.0.1:1") as channel:
        with Stopwatch() as watch:
            answers = aiter(ProbeStub(channel).Watch(text("0")))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await anext(answers)
        assert watch.seconds < 1
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_failed_background_task_ends_the_process_with_an_error() -> None:
    async with started(task_fails="1") as probe:
        assert await probe.end() == 1
        assert "the task has failed" in probe.log
        assert "wiring closed" in probe.log


async def test_a_background_task_that_nobody_ended_ends_the_process_with_an_error() -> None:
    """What it waited for was cancelled: it looks like a stop, and nobody has asked for one."""
    async with started(task_ends_by_nobody="1") as probe:
        assert await probe.end() == 1
        assert "cancelled by nobody" in probe.log
        assert "wiring closed" in probe.log


async def test_a_stop_signal_ends_a_start_that_is_still_waiting() -> None:
    async with started(slow_start_seconds="60") as probe:
        await probe.wait_for("wiring begins")
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.end() == 0


async def test_a_taken_port_is_said_in_one_line() -> None:
    async with serving() as probe, started(listen_address=probe.target) as second:
        assert await second.end() == 1
        assert f"cannot listen on {probe.target}" in second.log
        assert "Traceback" not in second.log


async def test_a_wrong_setting_is_named() -> None:
    async with started(grace_seconds="soon") as probe:
        assert await probe.end() == 1
        assert "WATTMESH_GRACE_SECONDS" in probe.log
        assert "Traceback" not in probe.log
