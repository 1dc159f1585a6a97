"""The Connect protocol, as far as browsers speak it here: binary, unary and server streaming.

https://connectrpc.com/docs/protocol: a unary call is a POST of the message's bytes; a stream is a
sequence of envelopes, each of one byte of flags, four of length and the message, of which the last
one says how it ended.
"""

import base64
import json
import struct
from typing import Any

from wattmesh_kernel.errors import InvalidArgument, WattmeshError
from wattmesh_runtime.errors import code_of, status_from_error

UNARY, STREAM = "application/proto", "application/connect+proto"
_END = 0b10
_HTTP_STATUS = {
    "canceled": 499,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "unavailable": 503,
    "unauthenticated": 401,
}
"""By the protocol; every other code is 500."""


def error_to_json(error: WattmeshError) -> dict[str, Any]:
    """Return an error as Connect writes it, with its details."""
    status = status_from_error(error)
    details = [
        {
            "type": detail.type_url.rpartition("/")[2],
            "value": base64.b64encode(detail.value).decode().rstrip("="),
        }
        for detail in status.details
    ]
    return {"code": _code(error), "message": status.message, "details": details}


def http_status(error: WattmeshError) -> int:
    """Return the HTTP status of an error."""
    return _HTTP_STATUS.get(_code(error), 500)


def envelope(message: bytes) -> bytes:
    """Return one message of a stream."""
    return struct.pack(">BI", 0, len(message)) + message


def end_of_stream(error: WattmeshError | None = None) -> bytes:
    """Return the last envelope of a stream."""
    end = json.dumps({} if error is None else {"error": error_to_json(error)}).encode()
    return struct.pack(">BI", _END, len(end)) + end


def first_message(body: bytes) -> bytes:
    """Return the one message of a request that is a stream; InvalidArgument when it is none."""
    if len(body) >= 5:
        flags, length = struct.unpack_from(">BI", body)
        if flags == 0 and len(body) == 5 + length:
            return body[5:]
    raise InvalidArgument("MALFORMED_REQUEST", "not one message in a Connect envelope")


def deadline_seconds(header: str | None) -> float | None:
    """Return the seconds of `Connect-Timeout-Ms`; None without one."""
    if header is None:
        return None
    if not header.isascii() or not header.isdecimal() or len(header) > 10:
        raise InvalidArgument(
            "MALFORMED_REQUEST", "Connect-Timeout-Ms is no number of milliseconds"
        )
    return int(header) / 1000


def _code(error: WattmeshError) -> str:
    name = code_of(error).name.lower()
    return "canceled" if name == "cancelled" else name
