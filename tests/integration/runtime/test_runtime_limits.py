"""One caller's faults and floods are told to that caller, and cost no other."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.fakes.eventually import eventually, within
from tests.fakes.probe_service import NAME, ProbeService, ProbeStub, text
from wattmesh_kernel.errors import InvalidArgument, ResourceExhausted
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.grpc_server import UNBOUNDED_AT_ONCE
from wattmesh_runtime.testing import SETTINGS, channel_for_test, serve_for_test

FEW = SETTINGS.model_copy(
    update={
        "calls_at_once": 2,
        "calls_at_once_per_caller": 1,
        "calls_waiting": 4,
        "calls_waiting_per_caller": 2,
        "streams_at_once": 3,
        "streams_at_once_per_caller": 2,
    }
)


@asynccontextmanager
async def caller(target: str) -> AsyncIterator[grpc.aio.Channel]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        yield channel


class Gate:
    """A service that answers once it may."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.service = ProbeService(self._answer)

    async def _answer(self, value: str) -> str:
        if value != "quick":
            await self.open.wait()
        return value


async def refused(call: object) -> ResourceExhausted:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    error = error_from_rpc(caught.value)
    assert isinstance(error, ResourceExhausted)
    assert (error.reason, error.retry_after) == ("TOO_BUSY", timedelta(seconds=1))
    return error


async def test_bytes_that_are_no_message_are_the_callers_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        serve_for_test(ProbeService().register) as target,
        channel_for_test(target) as channel,
    ):
        unary: Any = channel.unary_unary(f"/{NAME}/Unary")
        stream: Any = channel.unary_stream(f"/{NAME}/Watch")
        for call in (unary, lambda content: stream(content).read()):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(b"\xff\xff")
            error = error_from_rpc(caught.value)
            assert isinstance(error, InvalidArgument)
            assert error.reason == "MALFORMED_REQUEST"
    assert not any(record.exc_info for record in caplog.records)


async def test_a_caller_that_floods_waits_for_itself() -> None:
    gate = Gate()
    async with (
        serve_for_test(gate.service.register, settings=FEW) as target,
        caller(target) as flooding,
        caller(target) as other,
    ):
        flood = [asyncio.ensure_future(ProbeStub(flooding).Unary(text("x"))) for _ in range(3)]
        await asyncio.sleep(0.2)
        told = await refused(ProbeStub(flooding).Unary(text("x")))
        assert "of this caller" in told.message
        async with within(5):
            await ProbeStub(other).Unary(text("quick"))
        gate.open.set()
        await asyncio.gather(*flood)


async def test_streams_are_bounded_apart_from_calls() -> None:
    gate = Gate()
    async with (
        serve_for_test(gate.service.register, settings=FEW) as target,
        caller(target) as watching,
    ):
        stub = ProbeStub(watching)
        streams = [stub.Watch(text("x")) for _ in range(2)]
        await asyncio.sleep(0.2)
        await refused(stub.Watch(text("x")).read())
        async with within(5):
            await stub.Unary(text("quick"))
        for stream in streams:
            stream.cancel()
        await asyncio.sleep(0.2)
        gate.open.set()
        assert await stub.Watch(text("x")).read() == text("x")


async def test_health_is_answered_however_busy_the_server_is() -> None:
    gate = Gate()
    async with (
        serve_for_test(gate.service.register, settings=FEW) as target,
        caller(target) as busy,
    ):
        flood = [asyncio.ensure_future(ProbeStub(busy).Unary(text("x"))) for _ in range(3)]
        await asyncio.sleep(0.2)
        health: Any = health_pb2_grpc.HealthStub(busy)
        async with within(5):
            answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        gate.open.set()
        await asyncio.gather(*flood)


async def test_a_request_that_is_too_long_is_refused_unread_and_the_server_goes_on() -> None:
    small = SETTINGS.model_copy(update={"largest_request_bytes": 2**20})
    async with (
        serve_for_test(ProbeService().register, settings=small) as target,
        channel_for_test(target) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ProbeStub(channel).Unary(text("x" * 2**20))
        assert isinstance(error_from_rpc(caught.value), ResourceExhausted)
        assert await ProbeStub(channel).Unary(text("x" * 2**19)) == text("x" * 2**19)


async def test_what_is_out_of_bounds_waits_in_no_queue_with_all_its_bytes() -> None:
    gate = Gate()
    async with (
        serve_for_test(gate.service.register, settings=FEW) as target,
        caller(target) as flooding,
    ):
        held = asyncio.ensure_future(ProbeStub(flooding).Unary(text("x")))
        await asyncio.sleep(0.2)
        async with within(5):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ProbeStub(flooding).Unary(text("x" * 2**20 + "\0"))
        error = error_from_rpc(caught.value)
        assert isinstance(error, InvalidArgument)
        assert error.reason == "INVALID_TEXT"
        gate.open.set()
        await held


async def test_one_connection_has_so_many_calls_open_and_no_more() -> None:
    most = 1 + 2 + 2 + UNBOUNDED_AT_ONCE
    async with (
        serve_for_test(ProbeService().register, settings=FEW) as target,
        caller(target) as watching,
        caller(target) as other,
    ):
        health: Any = health_pb2_grpc.HealthStub(watching)
        watches = [health.Watch(health_pb2.HealthCheckRequest()) for _ in range(most + 50)]
        told = [asyncio.ensure_future(watch.read()) for watch in watches]
        await eventually(lambda: sum(each.done() for each in told) >= most)
        await asyncio.sleep(0.5)
        assert sum(each.done() for each in told) == most
        async with within(5):
            await ProbeStub(other).Unary(text("quick"))
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*told, return_exceptions=True)
