"""Calls between a real server and a real channel, as services have them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest

from tests.fakes.eventually import within
from tests.fakes.probe_service import ProbeService, ProbeStub, text
from wattmesh_kernel.errors import (
    FailedPrecondition,
    Internal,
    InvalidArgument,
    NotFound,
    Unavailable,
    WattmeshError,
)
from wattmesh_runtime.errors import CODES, error_from_rpc, rpc_errors
from wattmesh_runtime.testing import SETTINGS, channel_for_test, serve_for_test

KINDS = ("Unary", "Collect", "Watch", "Write", "Converse")


@pytest.fixture
def probe() -> ProbeService:
    return ProbeService()


@pytest.fixture
async def stub(probe: ProbeService) -> AsyncIterator[ProbeStub]:
    async with serve_for_test(probe.register) as target, channel_for_test(target) as channel:
        yield ProbeStub(channel)


async def call(stub: ProbeStub, kind: str, value: str = "x") -> str:
    """Call one of the kinds and return its first answer."""
    match kind:
        case "Unary":
            return str((await stub.Unary(text(value))).value)
        case "Collect":
            return str((await stub.Collect(iter([text(value)]))).value)
        case "Converse":
            answers = stub.Converse(iter([text(value)]))
        case _:
            answers = getattr(stub, kind)(text(value))
    return str((await anext(aiter(answers))).value)


def failing(error: Exception) -> ProbeService:
    async def fail(_: str) -> str:
        raise error

    return ProbeService(fail)


async def failure_of(error: Exception, kind: str = "Unary") -> grpc.aio.AioRpcError:
    """Return what the caller of a handler sees that raises `error`."""
    async with (
        serve_for_test(failing(error).register) as target,
        channel_for_test(target) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(ProbeStub(channel), kind)
    return caught.value


async def test_an_answer_that_the_transport_lost_is_no_fault_of_the_server() -> None:
    lost = grpc.aio.AioRpcError(
        grpc.StatusCode.INTERNAL,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(),
        "Internal error from Core",
    )
    assert type(error_from_rpc(lost)) is Unavailable
    assert type(error_from_rpc(await failure_of(ValueError("a fault of its own")))) is Internal


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_call_is_answered(stub: ProbeStub, kind: str) -> None:
    assert await call(stub, kind, "hello") == "hello"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_domain_error_reaches_the_caller_of_every_kind(kind: str) -> None:
    error = error_from_rpc(await failure_of(NotFound("NO_SITE", "no such site", {"a": "b"}), kind))
    assert type(error) is NotFound
    assert (error.reason, error.message, dict(error.metadata)) == (
        "NO_SITE",
        "no such site",
        {"a": "b"},
    )


@pytest.mark.parametrize("kind", list(CODES))
async def test_every_error_type_survives_the_wire(kind: type[WattmeshError]) -> None:
    raised = kind("SOME_REASON", "some message")
    failure = await failure_of(raised)
    back = error_from_rpc(failure)
    assert failure.code() is CODES[kind]
    assert (type(back), back.reason, back.message) == (kind, "SOME_REASON", "some message")


async def test_the_details_of_errors_survive_the_wire() -> None:
    invalid = error_from_rpc(await failure_of(InvalidArgument("BAD", "no", field="page_size")))
    away = error_from_rpc(await failure_of(Unavailable("GONE", "no", retry_after=timedelta(0, 3))))
    assert isinstance(invalid, InvalidArgument)
    assert invalid.field == "page_size"
    assert isinstance(away, Unavailable)
    assert away.retry_after == timedelta(seconds=3)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unknown_exception_leaks_nothing_but_a_trace_id(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    failure = await failure_of(RuntimeError("password is hunter2"), kind)
    everything = repr((failure.details(), failure.trailing_metadata(), failure.initial_metadata()))
    assert failure.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in everything
    assert "RuntimeError" not in everything
    trace_id = error_from_rpc(failure).metadata["trace_id"]
    (record,) = (r for r in caplog.records if r.levelno >= logging.ERROR)
    assert trace_id in record.getMessage()
    assert record.exc_info is not None


async def test_a_failed_call_is_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await failure_of(FailedPrecondition("NOT_NOW", "not now"))
    lines = [r.getMessage() for r in caplog.records if "failed with" in r.getMessage()]
    assert len(lines) == 1
    assert "FAILED_PRECONDITION" in lines[0]
    assert "NOT_NOW" in lines[0]


async def test_a_dependency_that_is_away_is_said_without_its_address() -> None:
    async def ask_another(_: str) -> str:
        async with channel_for_test("127.0.0.1:1") as channel:
            answer = await ProbeStub(channel).Unary(text("x"), wait_for_ready=False)
            return str(answer.value)

    async with (
        serve_for_test(ProbeService(ask_another).register) as target,
        channel_for_test(target) as channel,
    ):
        with pytest.raises(Unavailable) as caught, rpc_errors():
            await ProbeStub(channel).Unary(text("x"))
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"
    assert "127.0.0.1" not in str(caught.value)


async def test_a_request_id_is_kept_across_services() -> None:
    second = ProbeService()
    async with serve_for_test(second.register) as second_target:

        async def ask_second(value: str) -> str:
            async with channel_for_test(second_target) as channel:
                return str((await ProbeStub(channel).Unary(text(value))).value)

        first = ProbeService(ask_second)
        async with serve_for_test(first.register) as target, channel_for_test(target) as channel:
            await ProbeStub(channel).Unary(text("x"), metadata=[("x-request-id", "abc-1")])
            await ProbeStub(channel).Unary(text("x"))
    assert first.request_ids == second.request_ids
    assert first.request_ids[0] == "abc-1"
    assert first.request_ids[1] not in ("", "abc-1")


async def test_a_malformed_request_id_is_replaced(stub: ProbeStub, probe: ProbeService) -> None:
    await stub.Unary(text("x"), metadata=[("x-request-id", "a b c" * 30)])
    assert len(probe.request_ids[0]) == 32


async def test_a_unary_call_has_a_deadline(probe: ProbeService, stub: ProbeStub) -> None:
    async def hang(_: str) -> str:
        await asyncio.Event().wait()
        return ""

    probe.answer = hang
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Unary(text("x"), timeout=0.2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    running = stub.Unary(text("x"))
    assert running.time_remaining() == pytest.approx(10, abs=1)
    running.cancel()


async def test_an_answered_error_is_not_retried_unless_it_says_when(
    probe: ProbeService, stub: ProbeStub
) -> None:
    async def fail(value: str) -> str:
        again = timedelta(milliseconds=20) if value == "again" else None
        raise Unavailable("AWAY", "away", retry_after=again)

    probe.answer = fail
    attempts = []
    for value in ("never", "again"):
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Unary(text(value))
        attempts.append(len(probe.request_ids))
    assert attempts == [1, 1 + 4]
    assert len(set(probe.request_ids)) == 2


async def test_an_unknown_method_is_unimplemented(stub: ProbeStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Unknown(text("x"))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_stream_is_closed_when_its_caller_hangs_up(
    probe: ProbeService, stub: ProbeStub
) -> None:
    answers = stub.Watch(text("x"))
    await anext(aiter(answers))
    answers.cancel()
    await probe.stream_closed.wait()


async def test_a_recycled_connection_interrupts_neither_streams_nor_calls() -> None:
    async def soon(value: str) -> str:
        await asyncio.sleep(0.02)
        return value

    settings = SETTINGS.model_copy(update={"max_connection_age_seconds": 0.3})
    async with (
        serve_for_test(ProbeService(soon).register, settings=settings) as target,
        channel_for_test(target) as channel,
    ):
        stub = ProbeStub(channel)
        answers = stub.Watch(text("x"))
        async with within(30):
            for _ in range(60):
                await anext(aiter(answers))
                await stub.Unary(text("x"))
        answers.cancel()


async def test_big_messages_pass(stub: ProbeStub) -> None:
    big = "x" * (15 * 2**20)
    assert await call(stub, "Unary", big) == big
