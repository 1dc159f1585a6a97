"""Who is known, from a file: principals as `wattmesh.identity.v1` describes them, and API keys.

{"tenants": [{"name": "tenants/acme", "sites": ["sites/home-1", "sites/home-2"]}],
 "principals": [{"name": "tenants/default/principals/ems", "kind": "PRINCIPAL_KIND_PROGRAM",
                 "roleBindings": [{"role": "ROLE_KIND_OPERATOR"}], "maxPriority": 50,
                 "owners": ["ems"]}],
 "api_keys": [{"principal": "tenants/default/principals/ems", "sha256": "9f86…",
               "expire_time": "2027-01-01T00:00:00Z"}]}

Whoever is of `tenants/default` runs the mesh, and sees all sites; others see their tenant's.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from wattmesh.identity.v1 import identity_pb2
from wattmesh_kernel.callers import HIGHEST_PRIORITY, Caller
from wattmesh_kernel.errors import FailedPrecondition, WattmeshError
from wattmesh_kernel.ids import GatewayId, SiteId
from wattmesh_runtime.access.roles import CEILINGS, ROLES

KEY_PREFIX = "wm_"
"""How an API key begins, so that it is told from a token, and found when it was published."""
TENANT = "tenants/default"
"""Those who run the mesh, and see all sites."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """A principal, with the times at which its roles end, and its tenant; None: runs the mesh."""

    principal: Any
    tenant: Any = None

    def caller(self, now: float) -> Caller:
        """Return what it may do now; one that is disabled, or whose tenant is, may do nothing."""
        closed = self.principal.disabled or (self.tenant is not None and self.tenant.disabled)
        roles = [] if closed else list(self._roles(now))
        name = self.principal.name.rpartition("/")[2]
        ceiling = max((CEILINGS.get(role, 0) for role in roles), default=0)
        gateway = self.principal.gateway
        return Caller(
            name=self.principal.name,
            permissions=frozenset().union(*(ROLES[role] for role in roles)),
            max_priority=self.principal.max_priority or ceiling,
            owners=frozenset(self.principal.owners or [name]),
            gateway=GatewayId.parse(gateway) if gateway else None,
            sites=None if self.tenant is None else frozenset(self.tenant.sites),
        )

    def _roles(self, now: float) -> Iterator[str]:
        for binding in self.principal.role_bindings:
            ends = binding.HasField("expire_time") and binding.expire_time.ToSeconds() <= now
            if not ends and not binding.scope:
                kind = identity_pb2.RoleKind.Name(binding.role)
                yield kind.removeprefix("ROLE_KIND_").lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """An API key by its digest, until it ends [s since 1970]."""

    principal: str
    expires: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Principals:
    """Those who are known, by how they are recognised."""

    by_name: dict[str, Bound] = field(default_factory=dict)
    by_uri: dict[str, Bound] = field(default_factory=dict)
    by_subject: dict[tuple[str, str], Bound] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    tenants: dict[str, Any] = field(default_factory=dict)

    def of_key(self, secret: str, now: float | None = None) -> Caller | None:
        """Return whose API key this is; None: nobody's, or it has ended."""
        now = time.time() if now is None else now
        key = self.keys.get(digest(secret))
        if key is None or key.expires <= now:
            return None
        return self.by_name[key.principal].caller(now)


def digest(secret: str) -> str:
    """Return what is kept of an API key: 160 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_principals(path: Path) -> Principals:
    """Return what a file says. Error: FailedPrecondition with what is wrong."""
    try:
        document = json.loads(path.read_text())
        known = Principals()
        for each in document.get("tenants", []):
            _add_tenant(known, json_format.ParseDict(each, identity_pb2.Tenant()))
        for each in document.get("principals", []):
            _add(known, _principal(each))
        for key in document.get("api_keys", []):
            if key["principal"] not in known.by_name:
                raise ValueError(f"an API key of {key['principal']}, who is not there")
            ends = datetime.fromisoformat(key["expire_time"])
            if ends.tzinfo is None:
                raise ValueError(f"{key['expire_time']} has no zone")
            known.keys[key["sha256"]] = ApiKey(
                principal=key["principal"], expires=ends.astimezone(UTC).timestamp()
            )
    except (
        OSError,
        ValueError,
        KeyError,
        AttributeError,
        json_format.Error,
        WattmeshError,
    ) as error:
        raise FailedPrecondition("PRINCIPALS_UNUSABLE", f"{path}: {error}") from error
    return known


def _principal(document: Any) -> Any:
    principal = json_format.ParseDict(document, identity_pb2.Principal())
    if not principal.name.startswith("tenants/") or "/principals/" not in principal.name:
        raise ValueError(f"{principal.name!r} is no tenants/…/principals/…")
    if not 0 <= principal.max_priority <= HIGHEST_PRIORITY:
        raise ValueError(f"{principal.name}: max_priority is not within 0 and {HIGHEST_PRIORITY}")
    for binding in principal.role_bindings:
        if not binding.role:
            raise ValueError(f"{principal.name}: a binding without a role")
        if binding.scope:
            raise ValueError(
                f"{principal.name}: roles for {binding.scope} alone are not served yet"
            )
    if principal.gateway:
        GatewayId.parse(principal.gateway)
    return principal


def _add_tenant(known: Principals, tenant: Any) -> None:
    if not tenant.name.startswith("tenants/") or tenant.name in (TENANT, *known.tenants):
        raise ValueError(f"{tenant.name!r} is no tenant with sites of its own, or is there twice")
    taken = {site for other in known.tenants.values() for site in other.sites}
    for site in tenant.sites:
        if SiteId.parse(site).name in taken:
            raise ValueError(f"{site} is of two tenants")
    known.tenants[tenant.name] = tenant


def _add(known: Principals, principal: Any) -> None:
    if principal.name in known.by_name:
        raise ValueError(f"{principal.name} is there twice")
    tenant = principal.name.partition("/principals/")[0]
    if tenant != TENANT and tenant not in known.tenants:
        raise ValueError(f"{principal.name}: there is no {tenant}")
    bound = known.by_name[principal.name] = Bound(
        principal=principal, tenant=known.tenants.get(tenant)
    )
    for credential in principal.credentials:
        match credential.WhichOneof("kind"):
            case "certificate":
                known.by_uri[credential.certificate.uri] = bound
            case "token":
                known.by_subject[credential.token.issuer, credential.token.subject] = bound
            case _:
                raise ValueError(f"{principal.name}: a credential of no kind")
