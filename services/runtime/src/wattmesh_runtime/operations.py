"""`google.longrunning.Operations`: what a service does for longer than a call may take.

The service's use case is the port `Operations` below; its `api` says how one of its operations
looks on the wire.
"""
# ruff: noqa: N802 (the method names are those of the contract)

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from wattmesh_kernel.errors import InvalidArgument

Context = grpc.aio.ServicerContext[object, object]
Job = TypeVar("Job")
SomeJob = TypeVar("SomeJob", covariant=True)

SERVICE_NAME = "google.longrunning.Operations"
"""For `Service.service_names`."""
COLLECTION = "operations"
"""Names are `operations/{operation}`."""
ANSWER_SECONDS = 0.5
"""What `WaitOperation` leaves of its caller's deadline, for the answer [s]."""


class Operations(Protocol[SomeJob]):
    """The long work of one service. Error of all that take a name: NotFound."""

    async def get(self, name: str) -> SomeJob:
        """Return an operation as far as it is."""

    async def list(self, page_size: int, page_token: str) -> tuple[Sequence[SomeJob], str]:
        """Return a page, newest first, and the token of the next one; empty on the last."""

    async def wait(self, name: str) -> None:
        """Return when an operation is done."""

    async def cancel(self, name: str) -> None:
        """Ask an operation to end; harmless when it is done. Unimplemented where it cannot be."""

    async def delete(self, name: str) -> None:
        """Forget an operation that is done; FailedPrecondition while it runs."""


class OperationsServicer(Generic[Job]):
    """Serves a service's `Operations`; `to_proto` converts one of them."""

    def __init__(
        self, operations: Operations[Job], to_proto: Callable[[Job], operations_pb2.Operation]
    ) -> None:
        self._operations = operations
        self._to_proto = to_proto

    def register(self, server: grpc.aio.Server) -> None:
        """Add the service to a server: for `Service.register`."""
        operations_pb2_grpc.add_OperationsServicer_to_server(self, server)

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Return an operation as far as it is."""
        return self._to_proto(await self._operations.get(request.name))

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """Return a page of operations, newest first."""
        _check_listing(request)
        found, following = await self._operations.list(request.page_size, request.page_token)
        return operations_pb2.ListOperationsResponse(
            operations=map(self._to_proto, found), next_page_token=following
        )

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Return an operation when it is done, or as far as it is when the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_patience_seconds(request, context)):
                await self._operations.wait(request.name)
        return self._to_proto(await self._operations.get(request.name))

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> Empty:
        """Ask an operation to end."""
        await self._operations.cancel(request.name)
        return Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> Empty:
        """Forget an operation that is done."""
        await self._operations.delete(request.name)
        return Empty()


def _check_listing(request: operations_pb2.ListOperationsRequest) -> None:
    if request.name not in ("", COLLECTION):
        raise InvalidArgument(
            "INVALID_NAME", f"operations are listed under {COLLECTION!r}", field="name"
        )
    if request.filter:
        raise InvalidArgument("FILTER_UNKNOWN", "operations are not filtered", field="filter")


def _patience_seconds(
    request: operations_pb2.WaitOperationRequest, context: Context
) -> float | None:
    """Return how long to wait: as the caller says, but no longer than until it stops listening."""
    left = context.time_remaining()
    limits = [] if left is None else [max(left - ANSWER_SECONDS, 0.0)]
    if request.HasField("timeout"):
        limits.append(request.timeout.ToTimedelta().total_seconds())
    return min(limits, default=None)
