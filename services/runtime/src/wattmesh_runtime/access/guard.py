"""Decides who calls, and whether they may: one object a server, asked once a call."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from wattmesh_kernel.callers import Caller
from wattmesh_runtime.access.audit import (
    AuditTrail,
    current_subject,
    is_recorded,
    note_subject,
)
from wattmesh_runtime.access.callers import Callers, admit
from wattmesh_runtime.access.certificates import thumbprint_of, uri_of
from wattmesh_runtime.access.claims import check_claims
from wattmesh_runtime.access.permissions import OPEN, permission_of
from wattmesh_runtime.access.reach import check_answer, check_within
from wattmesh_runtime.request_context import enter_caller
from wattmesh_runtime.settings import ServiceSettings

AUTHORIZATION_KEY = "authorization"

_caller: ContextVar[Caller | None] = ContextVar("identity", default=None)


def current_identity() -> Caller | None:
    """Return who makes the call being served; None where nobody is asked, on plaintext loopback."""
    return _caller.get()


def enter_identity(caller: Caller | None) -> None:
    """Have this caller's call be the one that is served, until the task ends."""
    _caller.set(caller)


class Guard:
    """Who may call what on one server.

    It is there when the server has certificates, an issuer of tokens, or a file of principals.
    Without any of them (plaintext, so loopback or by an explicit word) everybody may do everything.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._callers = Callers(settings)
        self.on = self._callers.on
        self._trail = None if settings.audit_file is None else AuditTrail(settings.audit_file)

    def admit(self, method: str, context: Any, metadata: Mapping[str, Any]) -> None:
        """Make the caller current. Error: Unauthenticated, PermissionDenied."""
        if not self.on or permission_of(method) == OPEN:
            return
        caller = self._identify(context, metadata)
        enter_identity(caller)
        if not caller.process:
            enter_caller(caller.name)  # however many connections it has, and whoever shares one
        admit(caller, method)

    def check(self, method: str, request: Any) -> None:
        """Hold what a request says of its caller, and asks of others, against who that is.

        Error: PermissionDenied.
        """
        if self._trail is not None:
            note_subject(request)
        caller = _caller.get()
        if caller is not None:
            check_claims(caller, request)
            check_within(caller, method, request)

    def release(self, method: str, answer: Any) -> Any:
        """Return an answer that tells the caller nothing of others' sites. Error: NotFound."""
        caller = _caller.get()
        if caller is not None:
            check_answer(caller, method, answer)
        return answer

    def record(self, method: str, code: str, request_id: str) -> None:
        """Write down that a call is over, if it is one that could change something."""
        permission = None if self._trail is None else permission_of(method)
        if self._trail is None or not is_recorded(permission):
            return
        caller = _caller.get()
        self._trail.record(
            {
                "principal": "" if caller is None else caller.name,
                "method": method[1:].replace("/", "."),
                "permission": permission,
                "resource": current_subject(),
                "request_id": request_id,
                "status_code": code,
            }
        )

    def close(self) -> None:
        """Close what is written down."""
        if self._trail is not None:
            self._trail.close()

    def _identify(self, context: Any, metadata: Mapping[str, Any]) -> Caller:
        """Return who calls: by a token or key when there is one, else by the certificate."""
        shown = metadata.get(AUTHORIZATION_KEY)
        if shown is not None:
            return self._callers.of_authorization(
                shown, lambda: thumbprint_of(context.auth_context())
            )
        return self._callers.of_certificate(uri_of(context.auth_context()))
