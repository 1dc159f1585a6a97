"""Who calls, by what they show: a token, a key, or a certificate."""

import functools
import time
from collections.abc import Callable
from typing import Any

from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import PermissionDenied, Unauthenticated
from wattmesh_runtime.access.certificates import caller_of
from wattmesh_runtime.access.files import Reloaded
from wattmesh_runtime.access.permissions import permission_of
from wattmesh_runtime.access.principals import KEY_PREFIX, Principals, read_principals
from wattmesh_runtime.access.reach import admit_within, check_within
from wattmesh_runtime.access.tokens import Tokens
from wattmesh_runtime.settings import ServiceSettings

BEARER = "Bearer "


class Callers:
    """Knows callers by the file of principals, the issuer of tokens, and their certificates.

    `on`: somebody is known, so that everybody must be.
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

    def of_certificate(self, uri: str | None) -> Caller:
        """Return who shows a certificate of a name. Error: Unauthenticated."""
        if uri is None:
            raise Unauthenticated("CALLER_UNKNOWN", "it is not known who calls")
        bound = self._known().by_uri.get(uri)
        caller = (
            bound.caller(time.time()) if bound is not None else _of_certificate(uri, self._domain)
        )
        if caller is None:
            raise Unauthenticated("CALLER_UNKNOWN", "the certificate names nobody that is known")
        return caller

    def of_authorization(
        self, shown: Any, thumbprint: Callable[[], str | None] = lambda: None
    ) -> Caller:
        """Return who shows a token or a key. Error: Unauthenticated.

        `thumbprint` is of the certificate that is shown beside it: without the one that it is
        bound to, a token is nobody's.
        """
        principals = self._known()
        text = shown if isinstance(shown, str) else ""
        secret = text[len(BEARER) :] if text.startswith(BEARER) else ""
        if secret.startswith(KEY_PREFIX):
            caller = principals.of_key(secret)
        elif secret and self._tokens is not None:
            caller = self._tokens.caller(secret, principals, thumbprint)
        else:
            caller = None
        if caller is None:
            raise Unauthenticated("CREDENTIAL_INVALID", "the credential is none that is known")
        return caller

    def _known(self) -> Principals:
        return self._nobody if self._principals is None else self._principals.current()


def admit(caller: Caller, method: str) -> None:
    """Let a caller ask a method, if it may at all. Error: PermissionDenied."""
    permission = permission_of(method)
    if permission is None or not caller.may(permission):
        raise PermissionDenied(
            "PERMISSION_MISSING",
            f"{caller.name} lacks {permission or 'any permission there could be'}",
            {"permission": permission or ""},
        )
    admit_within(caller, method)


def admitted(callers: Callers, shown: str | None, method: str, request: Any) -> Caller | None:
    """Return who asks at a door other than gRPC's, and may; None: nothing is shown, or asked for.

    Error: Unauthenticated, PermissionDenied.
    """
    if shown is None or not callers.on:
        return None
    caller = callers.of_authorization(shown)
    admit(caller, method)
    check_within(caller, method, request)
    return caller


@functools.lru_cache(1000)
def _of_certificate(uri: str, domain: str) -> Caller | None:
    return caller_of(uri, domain)


def _tokens(settings: ServiceSettings) -> Tokens | None:
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    assert settings.oidc_jwks_file is not None, "the settings see to it"
    return Tokens(settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks_file)
