"""google.longrunning.Operations on a real server, called as any client of it would."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2 as pb
from google.longrunning import operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration

from tests.fakes.operations import FakeOperations, Work
from tests.fakes.stopwatch import Stopwatch
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument, NotFound
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.operations import SERVICE_NAME, OperationsServicer
from wattmesh_runtime.testing import channel_for_test, serve_for_test


def to_proto(work: Work) -> pb.Operation:
    return pb.Operation(name=work.name, done=work.done.is_set())


@pytest.fixture
def operations() -> FakeOperations:
    return FakeOperations(3)


@pytest.fixture
async def stub(operations: FakeOperations) -> AsyncIterator[Any]:
    servicer = OperationsServicer(operations, to_proto)
    async with (
        serve_for_test(servicer.register, service_names=(SERVICE_NAME,)) as target,
        channel_for_test(target) as channel,
    ):
        yield operations_pb2_grpc.OperationsStub(channel)


async def test_an_operation_is_told_as_far_as_it_is(stub: Any, operations: FakeOperations) -> None:
    request = pb.GetOperationRequest(name="operations/1")
    assert not (await stub.GetOperation(request)).done
    operations.work["operations/1"].done.set()
    assert (await stub.GetOperation(request)).done


async def test_operations_are_listed_page_by_page(stub: Any) -> None:
    first = await stub.ListOperations(pb.ListOperationsRequest(name="operations", page_size=2))
    second = await stub.ListOperations(
        pb.ListOperationsRequest(page_size=2, page_token=first.next_page_token)
    )

    names = [each.name for page in (first, second) for each in page.operations]
    assert names == ["operations/3", "operations/2", "operations/1"]
    assert second.next_page_token == ""


async def test_who_waits_is_answered_when_it_is_done(stub: Any, operations: FakeOperations) -> None:
    waiting = asyncio.ensure_future(
        stub.WaitOperation(pb.WaitOperationRequest(name="operations/1"))
    )
    await asyncio.sleep(0.1)
    assert not waiting.done()
    operations.work["operations/1"].done.set()
    assert (await waiting).done


async def test_who_waits_for_long_is_answered_in_time(stub: Any) -> None:
    timeout = Duration()
    timeout.FromTimedelta(timedelta(seconds=0.2))
    before = time.monotonic()

    with Stopwatch() as watch:
        told = await stub.WaitOperation(
            pb.WaitOperationRequest(name="operations/1", timeout=timeout)
        )
    assert not told.done
    assert time.monotonic() - before >= 0.2
    assert watch.seconds < 2

    told = await stub.WaitOperation(pb.WaitOperationRequest(name="operations/1"), timeout=1.5)
    assert not told.done, "the caller's own deadline would have passed without an answer"


async def test_an_operation_is_cancelled_and_then_deleted(stub: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.DeleteOperation(pb.DeleteOperationRequest(name="operations/1"))
    assert isinstance(error_from_rpc(caught.value), FailedPrecondition)

    await stub.CancelOperation(pb.CancelOperationRequest(name="operations/1"))
    await stub.DeleteOperation(pb.DeleteOperationRequest(name="operations/1"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetOperation(pb.GetOperationRequest(name="operations/1"))
    assert isinstance(error_from_rpc(caught.value), NotFound)


@pytest.mark.parametrize("request_", [{"name": "sites/home-1"}, {"filter": "done=true"}])
async def test_a_listing_that_is_not_understood_is_refused(
    stub: Any, request_: dict[str, str]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListOperations(pb.ListOperationsRequest(**request_))
    assert isinstance(error_from_rpc(caught.value), InvalidArgument)
