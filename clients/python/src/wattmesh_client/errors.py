"""What a call can fail with: one class for each code, with the reason to switch on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_UNDERSTOOD: tuple[Any, ...] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
)
_DETAILS = "grpc-status-details-bin"
_REQUEST_ID = "x-request-id"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with one field of a request."""

    field: str
    """Its path: `battery.capacity_wh`."""
    description: str


@dataclass(eq=False, kw_only=True)
class WattmeshError(Exception):
    """An answer that is none.

    `reason` is the one to switch on: all are in `wattmesh/type/v1/error_reason.proto`, each with
    what helps. `request_id` finds the call in the services' logs.
    """

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    retry_after: timedelta | None = None
    request_id: str = ""

    def __str__(self) -> str:
        said = self.message or self.code.name
        return f"{self.reason}: {said}" if self.reason else said


class InvalidArgument(WattmeshError):
    """The request makes no sense; `faults` say where."""


class NotFound(WattmeshError):
    """There is nothing of that name."""


class AlreadyExists(WattmeshError):
    """The name is taken."""


class FailedPrecondition(WattmeshError):
    """It cannot be done as things are."""


class Aborted(WattmeshError):
    """Somebody else was first: read again, and try again."""


class PermissionDenied(WattmeshError):
    """The caller may not do that."""


class Unauthenticated(WattmeshError):
    """Nobody knows the caller."""


class ResourceExhausted(WattmeshError):
    """Too much at once; `retry_after` says when there is room."""


class Unavailable(WattmeshError):
    """The service, or one that it needs, is away."""


class DeadlineExceeded(WattmeshError):
    """No answer in time."""


class Unimplemented(WattmeshError):
    """The service does not serve that."""


_CLASSES: Mapping[grpc.StatusCode, type[WattmeshError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
}


def error_of(call: Any) -> WattmeshError:
    """Return the error of a call that has failed: a `grpc.RpcError`, of either kind of channel."""
    code: grpc.StatusCode = call.code()
    trailers = dict(call.trailing_metadata() or ())
    details = list(_details(trailers.get(_DETAILS, b"")))
    reasons = [each for each in details if isinstance(each, error_details_pb2.ErrorInfo)]
    waits = [each for each in details if isinstance(each, error_details_pb2.RetryInfo)]
    return _CLASSES.get(code, WattmeshError)(
        code=code,
        reason=reasons[0].reason if reasons else "",
        message=call.details() or "",
        metadata=dict(reasons[0].metadata) if reasons else {},
        faults=tuple(
            Fault(field=fault.field, description=fault.description)
            for each in details
            if isinstance(each, error_details_pb2.BadRequest)
            for fault in each.field_violations
        ),
        retry_after=waits[0].retry_delay.ToTimedelta() if waits else None,
        request_id=str(trailers.get(_REQUEST_ID, "")),
    )


def _details(packed: bytes | str) -> Iterable[Any]:
    """Give the details that are understood of a packed `google.rpc.Status`."""
    try:
        status = status_pb2.Status.FromString(packed if isinstance(packed, bytes) else b"")
    except DecodeError:
        return
    for each in status.details:
        for kind in _UNDERSTOOD:
            if each.TypeName() == kind.DESCRIPTOR.full_name:
                detail = kind()
                each.Unpack(detail)
                yield detail
