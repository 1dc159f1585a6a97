"""OIDC access tokens, checked without asking anybody: signature, issuer, audience, times."""

import hashlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import FailedPrecondition, Unauthenticated
from wattmesh_runtime.access.files import Reloaded
from wattmesh_runtime.access.principals import TENANT, Principals
from wattmesh_runtime.access.roles import CEILINGS, ROLES

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""Signatures with a public key: neither `none` nor one that the verifier could make itself."""
LEEWAY_SECONDS = 30
ROLES_CLAIM = "wattmesh_roles"
TENANT_CLAIM = "wattmesh_tenant"
"""`tenants/{tenant}` of the principals' file; a token without it is of those who run the mesh."""
BINDING_CLAIM, BY_CERTIFICATE = "cnf", "x5t#S256"
"""Whoever has stolen a token that is bound to a certificate (RFC 8705) has nothing by it."""
KEPT = 1000
"""Tokens that were found good, kept until they end."""


class Tokens:
    """Verifies the tokens of one issuer for one audience, by a JWKS file that may be replaced."""

    def __init__(self, issuer: str, audience: str, keys: Path) -> None:
        self._issuer = issuer
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._keys = Reloaded((keys,), lambda: _key_set(keys))
        self._good: OrderedDict[bytes, tuple[int, dict[str, Any]]] = OrderedDict()
        self._version = 0

    def caller(
        self, token: str, principals: Principals, thumbprint: Callable[[], str | None]
    ) -> Caller:
        """Return whom a token is about, shown over a connection with a certificate or none.

        Error: Unauthenticated, also for one that is bound to another certificate.
        """
        claims = self._verified(token)
        if BINDING_CLAIM in claims and not _is_bound_to(claims[BINDING_CLAIM], thumbprint()):
            raise Unauthenticated("CREDENTIAL_INVALID", "the access token is bound to another")
        known = principals.by_subject.get((self._issuer, claims["sub"]))
        if known is not None:
            return known.caller(time.time())
        tenant = _tenant(claims, principals)
        roles = [] if tenant is not None and tenant.disabled else claims.get(ROLES_CLAIM, [])
        held = [role for role in roles if role in ROLES] if isinstance(roles, list) else []
        return Caller(
            name=f"{TENANT if tenant is None else tenant.name}/principals/{claims['sub']}",
            permissions=frozenset({"PERMISSION_SELF_READ"}).union(*(ROLES[role] for role in held)),
            max_priority=max((CEILINGS.get(role, 0) for role in held), default=0),
            owners=frozenset({claims["sub"]}),
            sites=None if tenant is None else frozenset(tenant.sites),
        )

    def _verified(self, token: str) -> dict[str, Any]:
        keys = self._keys.current()
        if self._version != self._keys.version:
            self._good.clear()  # a key that was withdrawn takes its tokens with it
            self._version = self._keys.version
        name = hashlib.sha256(token.encode()).digest()
        kept = self._good.get(name)
        if kept is not None and time.time() < kept[0] + LEEWAY_SECONDS:
            return kept[1]
        claims = self._decoded(token, keys)
        self._good[name] = (int(claims["exp"]), claims)
        if len(self._good) > KEPT:
            self._good.popitem(last=False)
        return claims

    def _decoded(self, token: str, keys: KeySet) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Unauthenticated(
                "CREDENTIAL_INVALID", f"the access token is not valid: {type(error).__name__}"
            ) from error
        return dict(decoded.claims)


def _is_bound_to(binding: Any, thumbprint: str | None) -> bool:
    """Whether a binding is to a certificate, this one; any other sort cannot be verified here."""
    if not isinstance(binding, dict) or binding.keys() != {BY_CERTIFICATE}:
        return False
    said = str(binding[BY_CERTIFICATE]).encode()
    return thumbprint is not None and hmac.compare_digest(said, thumbprint.encode())


def _tenant(claims: dict[str, Any], principals: Principals) -> Any:
    """Return the tenant that a token says; None: those who run the mesh. Error: Unauthenticated."""
    if TENANT_CLAIM not in claims or claims[TENANT_CLAIM] == TENANT:
        return None
    named = claims[TENANT_CLAIM]
    tenant = principals.tenants.get(named) if isinstance(named, str) else None
    if tenant is None:
        raise Unauthenticated("CREDENTIAL_INVALID", "the token is of a tenant that is not known")
    return tenant


def _key_set(path: Path) -> KeySet:
    try:
        keys = KeySet.import_key_set(json.loads(path.read_text()))
    except (OSError, JoseError, ValueError, KeyError, TypeError) as error:
        raise FailedPrecondition("PRINCIPALS_UNUSABLE", f"{path}: {error}") from error
    if any(key.key_type == "oct" for key in keys.keys):
        raise FailedPrecondition("PRINCIPALS_UNUSABLE", f"{path}: a key that is shared, not public")
    return keys
