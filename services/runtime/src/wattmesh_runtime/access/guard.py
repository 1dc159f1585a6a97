"""Decides who calls, and whether they may: one object a server, asked once a call."""

import functools
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import PermissionDenied, Unauthenticated
from wattmesh_runtime.access.audit import (
    AuditTrail,
    current_subject,
    is_recorded,
    note_subject,
)
from wattmesh_runtime.access.certificates import caller_of, uri_of
from wattmesh_runtime.access.claims import check_claims
from wattmesh_runtime.access.files import Reloaded
from wattmesh_runtime.access.permissions import OPEN, permission_of
from wattmesh_runtime.access.principals import KEY_PREFIX, Principals, read_principals
from wattmesh_runtime.access.reach import admit_within, check_answer, check_within
from wattmesh_runtime.access.tokens import Tokens
from wattmesh_runtime.settings import ServiceSettings

AUTHORIZATION_KEY = "authorization"
BEARER = "Bearer "

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
        self._domain = settings.identity_domain
        path = settings.principals_file
        self._principals = (
            None if path is None else Reloaded((path,), lambda: read_principals(path))
        )
        self._tokens = _tokens(settings)
        certified = settings.tls_certificate_file is not None
        self.on = certified or self._principals is not None or self._tokens is not None
        self._nobody = Principals()
        self._trail = None if settings.audit_file is None else AuditTrail(settings.audit_file)

    def admit(self, method: str, context: Any, metadata: Mapping[str, Any]) -> None:
        """Make the caller current. Error: Unauthenticated, PermissionDenied."""
        permission = permission_of(method)
        if not self.on or permission == OPEN:
            return
        caller = self._identify(context, metadata)
        enter_identity(caller)
        if permission is None or not caller.may(permission):
            raise PermissionDenied(
                "PERMISSION_MISSING",
                f"{caller.name} lacks {permission or 'any permission there could be'}",
                {"permission": permission or ""},
            )
        admit_within(caller, method)

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
        principals = self._nobody if self._principals is None else self._principals.current()
        shown = metadata.get(AUTHORIZATION_KEY)
        if shown is not None:
            return self._bearer(shown, principals)
        uri = uri_of(context.auth_context())
        if uri is None:
            raise Unauthenticated("CALLER_UNKNOWN", "it is not known who calls")
        bound = principals.by_uri.get(uri)
        caller = (
            bound.caller(time.time()) if bound is not None else _of_certificate(uri, self._domain)
        )
        if caller is None:
            raise Unauthenticated("CALLER_UNKNOWN", "the certificate names nobody that is known")
        return caller

    def _bearer(self, shown: Any, principals: Principals) -> Caller:
        text = shown if isinstance(shown, str) else ""
        secret = text[len(BEARER) :] if text.startswith(BEARER) else ""
        if secret.startswith(KEY_PREFIX):
            caller = principals.of_key(secret)
        elif secret and self._tokens is not None:
            caller = self._tokens.caller(secret, principals)
        else:
            caller = None
        if caller is None:
            raise Unauthenticated("CREDENTIAL_INVALID", "the credential is none that is known")
        return caller


@functools.lru_cache(1000)
def _of_certificate(uri: str, domain: str) -> Caller | None:
    return caller_of(uri, domain)


def _tokens(settings: ServiceSettings) -> Tokens | None:
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    assert settings.oidc_jwks_file is not None, "the settings see to it"
    return Tokens(settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks_file)
