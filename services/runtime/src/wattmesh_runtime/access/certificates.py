"""Who a certificate is about: the one URI in it, whose authority TLS has checked.

spiffe://mesh/ns/{namespace}/sa/{service}     a service of the mesh
spiffe://mesh/gateways/{gateway}              a gateway
spiffe://mesh/roles/{role}/{name}             somebody, with a role
"""

import base64
import hashlib
import ssl
from collections.abc import Mapping, Sequence

from wattmesh_kernel.callers import Caller
from wattmesh_kernel.ids import GatewayId
from wattmesh_runtime.access.principals import TENANT
from wattmesh_runtime.access.roles import CEILINGS, ROLES, SERVICE_CEILINGS, SERVICES

SCHEME = "spiffe://"
NAMES = "x509_subject_alternative_name"
"""Where gRPC keeps the names of a peer's certificate: URIs, DNS names and addresses alike."""

WHOLE = "x509_pem_cert"
"""Where it keeps all of the certificate."""


def thumbprint_of(auth_context: Mapping[str, Sequence[bytes]]) -> str | None:
    """Return the SHA-256 of a peer's certificate as tokens say it (`x5t#S256`, RFC 8705)."""
    found = auth_context.get(WHOLE)
    if not found:
        return None
    der = ssl.PEM_cert_to_DER_cert(found[0].decode())
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def uri_of(auth_context: Mapping[str, Sequence[bytes]]) -> str | None:
    """Return the identity in a peer's certificate; None: none, or more than one."""
    uris = [name for name in auth_context.get(NAMES, ()) if name.startswith(SCHEME.encode())]
    return uris[0].decode() if len(uris) == 1 else None


def caller_of(uri: str, domain: str) -> Caller | None:
    """Return whom a URI of a trust domain names; None: nobody that is known by it."""
    if not uri.startswith(f"{SCHEME}{domain}/"):
        return None
    match uri.removeprefix(f"{SCHEME}{domain}/").split("/"):
        case ["ns", _, "sa", service] if service in SERVICES:
            return _service(service)
        case ["gateways", gateway] if gateway:
            return Caller(
                name=f"{TENANT}/principals/{gateway}",
                permissions=ROLES["device"],
                gateway=GatewayId(gateway),
                process=True,
            )
        case ["roles", role, name] if role in ROLES and role != "device" and name:
            return Caller(
                name=f"{TENANT}/principals/{name}",
                permissions=ROLES[role],
                max_priority=CEILINGS.get(role, 0),
                owners=frozenset({name}),
            )
        case _:
            return None


def _service(service: str) -> Caller:
    return Caller(
        name=f"{TENANT}/principals/{service}",
        permissions=SERVICES[service],
        max_priority=SERVICE_CEILINGS.get(service, 0),
        owners=frozenset({service}),
        process=True,
    )
