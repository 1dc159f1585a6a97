"""Domain errors on the wire: one table, read in both directions."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from datetime import timedelta

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from wattmesh_kernel.errors import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    WattmeshError,
)
from wattmesh_runtime.aio.tasks import EndedByNobody, asked_to_end

DOMAIN = "wattmesh"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
RETRY_PUSHBACK_KEY = "grpc-retry-pushback-ms"
LONGEST_MESSAGE = 1000
"""Characters of a message that travel: trailing metadata is bounded by the HTTP/2 header limit."""
LONGEST_DETAIL = 200
"""Characters of a detail in an ErrorInfo, for the same reason."""
LONGEST_PUSHBACK = timedelta(seconds=1)
"""The longest `retry_after` for which a channel repeats a call by itself."""

CODES: dict[type[WattmeshError], grpc.StatusCode] = {
    InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    Aborted: grpc.StatusCode.ABORTED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    Unimplemented: grpc.StatusCode.UNIMPLEMENTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Internal: grpc.StatusCode.INTERNAL,
}
"""The one table: which error is which code."""

_TYPES = {code: kind for kind, code in CODES.items()}
_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def code_of(error: WattmeshError) -> grpc.StatusCode:
    """Return the gRPC code of an error; a subclass has the code of its base."""
    return next(
        (CODES[kind] for kind in type(error).__mro__ if kind in CODES), grpc.StatusCode.INTERNAL
    )


def status_from_error(error: WattmeshError) -> status_pb2.Status:
    """Return the google.rpc.Status of an error, with its one ErrorInfo and a helpful detail."""
    code: int = code_of(error).value[0]
    status = status_pb2.Status(code=code, message=error.message[:LONGEST_MESSAGE])
    info = error_details_pb2.ErrorInfo(
        reason=error.reason, domain=DOMAIN, metadata=_shortened(error.metadata)
    )
    status.details.add().Pack(info)
    detail = _detail(error)
    if detail is not None:
        status.details.add().Pack(detail)
    return status


def _shortened(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key: value[:LONGEST_DETAIL] for key, value in metadata.items()}


def internal_error(trace_id: str) -> Internal:
    """Return what a caller learns of an unknown exception: where to look it up, nothing else."""
    return Internal("INTERNAL", f"internal error, trace {trace_id}", {"trace_id": trace_id})


def trailers_from_error(error: WattmeshError) -> tuple[tuple[str, str | bytes], ...]:
    """Return the trailing metadata that carries an error's details and when to retry."""
    return (
        (STATUS_DETAILS_KEY, status_from_error(error).SerializeToString()),
        (RETRY_PUSHBACK_KEY, str(_retry_pushback_ms(error))),
    )


def error_from_rpc(error: grpc.aio.AioRpcError) -> WattmeshError:
    """Return the domain error behind a failed call, with the reason the server gave.

    A server of ours says with every INTERNAL where to look it up. One without details is the
    transport's: gRPC loses the answer to a stream that is refused while its first message is
    still on its way. Nothing is known of the call then, as of one whose connection broke, or that
    was CANCELLED by a side that stops.
    """
    code, status = error.code(), _status_of(error)
    lost = status is None and code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED)
    return _error_of(grpc.StatusCode.UNAVAILABLE if lost else code, status)


def error_from_status(content: bytes) -> WattmeshError:
    """Return the domain error behind a serialized google.rpc.Status."""
    status = status_pb2.Status.FromString(content)
    return _error_of(_BY_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN), status)


def _error_of(code: grpc.StatusCode, status: status_pb2.Status | None) -> WattmeshError:
    kind = _TYPES.get(code, Internal)
    info = error_details_pb2.ErrorInfo()
    known = _unpack(status, info)
    reason = info.reason if known else code.name
    # Without an ErrorInfo the text is gRPC's own and may name addresses: it stays in the cause.
    message = status.message if status and known else f"the call failed with {code.name}"
    metadata = dict(info.metadata)
    if kind is InvalidArgument:
        return InvalidArgument(reason, message, metadata, field=_field(status))
    if kind is Unavailable or kind is ResourceExhausted:
        return kind(reason, message, metadata, retry_after=_retry_after(status))
    return kind(reason, message, metadata)


@contextlib.contextmanager
def rpc_errors() -> Iterator[None]:
    """Turn the failed calls of an adapter's block into domain errors.

    A channel that is closed, since others' certificates count now, say, ends its calls as if their
    caller had been cancelled. It was not: to it, the line is broken.
    """
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from error
    except asyncio.CancelledError as error:
        if asked_to_end(asyncio.current_task()):
            raise
        raise _closed() from error
    except EndedByNobody as error:  # a call that others were waited for beside
        raise _closed() from error


def _closed() -> Unavailable:
    return Unavailable("CHANNEL_CLOSED", "the connection was closed on this side")


def _retry_pushback_ms(error: WattmeshError) -> int:
    """Return when a channel may repeat the call by itself [ms]; -1 for never.

    An answered error is repeated only where it says so, and soon: were every service on the way
    to retry what it was told, four attempts of each would make sixteen at the third.
    """
    retry_after: timedelta | None = getattr(error, "retry_after", None)
    if retry_after is None or retry_after > LONGEST_PUSHBACK:
        return -1
    return int(retry_after.total_seconds() * 1000)


def _detail(error: WattmeshError) -> Message | None:
    text = error.message[:LONGEST_MESSAGE]
    match error:
        case InvalidArgument(field=field) if field:
            bad = error_details_pb2.BadRequest()
            bad.field_violations.add(field=field, description=text, reason=error.reason)
            return bad
        case FailedPrecondition():
            failure = error_details_pb2.PreconditionFailure()
            failure.violations.add(type=error.reason, description=text)
            return failure
        case Unavailable() | ResourceExhausted() if error.retry_after is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromTimedelta(error.retry_after)
            return retry
        case _:
            return None


def _status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _unpack(status: status_pb2.Status | None, into: Message) -> bool:
    """Fill `into` from the first detail of its type; say whether there was one."""
    return status is not None and any(detail.Unpack(into) for detail in status.details)


def _field(status: status_pb2.Status | None) -> str:
    bad = error_details_pb2.BadRequest()
    return bad.field_violations[0].field if _unpack(status, bad) and bad.field_violations else ""


def _retry_after(status: status_pb2.Status | None) -> timedelta | None:
    retry = error_details_pb2.RetryInfo()
    return retry.retry_delay.ToTimedelta() if _unpack(status, retry) else None
