"""The request that the running code works for, known to logs and to outgoing calls."""

import re
import uuid
from contextvars import ContextVar

REQUEST_ID_KEY = "x-request-id"
"""The metadata key under which a request id travels."""

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")

_caller: ContextVar[str] = ContextVar("caller", default="")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request being served; empty outside of one."""
    return _request_id.get()


def current_caller() -> str:
    """Return who makes the request being served, to share what is scarce fairly.

    A principal that is known, else a connection.
    """
    return _caller.get()


def enter_caller(caller: str) -> None:
    """Make a caller current for the running task."""
    _caller.set(caller)


def enter_request(offered: str | bytes | None) -> str:
    """Make the caller's request id current, or a new one where it is absent or malformed.

    It stays current for the running task: grpc.aio runs every call in a task of its own.
    """
    accepted = isinstance(offered, str) and _ACCEPTED.fullmatch(offered)
    request_id = offered if accepted and isinstance(offered, str) else new_request_id()
    _request_id.set(request_id)
    return request_id


def new_request_id() -> str:
    """Return a request id nobody has used: 32 hexadecimal digits."""
    return uuid.uuid4().hex
