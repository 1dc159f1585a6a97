"""What can go wrong, as types; the runtime maps each to one gRPC status code.

Every error carries a `reason` for programs (UPPER_SNAKE_CASE, stable) and a `message` for people.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType


class WattmeshError(Exception):
    """An error a caller is told about.

    Parameters: `reason` is UPPER_SNAKE_CASE and stable, `message` a sentence for people,
    `metadata` further details by name (no secrets, no internals).
    """

    def __init__(
        self, reason: str, message: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata or {}))

    def __str__(self) -> str:
        return f"{self.message} [{self.reason}]"


class InvalidArgument(WattmeshError):
    """The request makes no sense, whatever the state of the system; `field` says where."""

    def __init__(
        self,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        *,
        field: str = "",
    ) -> None:
        super().__init__(reason, message, metadata)
        self.field = field

    def within(self, prefix: str) -> "InvalidArgument":
        """Return the same error for a value that is a part of another: `battery.capacity_wh`."""
        field = f"{prefix}.{self.field}" if self.field else prefix
        return InvalidArgument(self.reason, self.message, self.metadata, field=field)


class NotFound(WattmeshError):
    """The named resource does not exist."""


class AlreadyExists(WattmeshError):
    """The resource to be created is already there."""


class FailedPrecondition(WattmeshError):
    """The state of the system forbids this; repeating it unchanged will not help."""


class Aborted(WattmeshError):
    """Lost against a concurrent change; read again and repeat."""


class Unauthenticated(WattmeshError):
    """It is not known who calls."""


class PermissionDenied(WattmeshError):
    """The caller may not do this."""


class DeadlineExceeded(WattmeshError):
    """The answer did not come in time."""


class Unimplemented(WattmeshError):
    """This server cannot do what was asked, and says so by name."""


class Internal(WattmeshError):
    """A fault of the server; its log knows more than the caller is told."""


class _Retryable(WattmeshError):
    """An error that may pass; `retry_after` says when to try again, if that is known."""

    def __init__(
        self,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        *,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(reason, message, metadata)
        self.retry_after = retry_after


class Unavailable(_Retryable):
    """A part that is needed is away; the same call may work later."""


class ResourceExhausted(_Retryable):
    """A quota or a buffer is full."""
