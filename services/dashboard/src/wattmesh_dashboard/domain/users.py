"""Who may use the mesh, and who may change that: nobody gives what they do not have."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument, PermissionDenied

DEFAULT_TENANT = "tenants/default"
"""Those who run the mesh: they see the people of every tenant."""
MOST_NAME_CHARACTERS = 200


class UserKind(Enum):
    """What somebody is; not said of who was written into the file by hand."""

    UNSPECIFIED = "unspecified"
    PERSON = "person"
    PROGRAM = "program"
    SERVICE = "service"
    DEVICE = "device"


class CredentialKind(Enum):
    """How somebody is recognised, besides by API keys."""

    TOKEN = "token"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """An issuer and a subject of tokens, or the URI of a certificate and nothing."""

    kind: CredentialKind
    of: str
    subject: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role (`viewer`, `operator`, `engineer`, `admin` or `device`), until it ends."""

    role: str
    scope: str = ""
    ends: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """`tenants/{tenant}/principals/{principal}` with what it may do."""

    name: str
    display_name: str
    kind: UserKind
    grants: tuple[Grant, ...] = ()
    credentials: tuple[Credential, ...] = ()
    max_priority: int = 0
    owners: tuple[str, ...] = ()
    gateway: str = ""
    disabled: bool = False
    created: datetime | None = None

    @property
    def tenant(self) -> str:
        """`tenants/{tenant}` that it is of."""
        return self.name.partition("/principals/")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """An API key: `sha256` is all that is kept of its secret, `prefix` its first characters."""

    name: str
    display_name: str
    sha256: str
    prefix: str
    ends: datetime
    created: datetime | None = None
    request_id: str = ""

    @property
    def user(self) -> str:
        """Whose it is."""
        return self.name.partition("/api-keys/")[0]


def tenant_of(caller: Caller) -> str:
    """Return the tenant of a caller."""
    return caller.name.partition("/principals/")[0]


def reaches(caller: Caller, tenant: str) -> bool:
    """Whether a caller runs the mesh, or is of the tenant itself."""
    return tenant_of(caller) in (DEFAULT_TENANT, tenant)


def check_reach(caller: Caller, tenant: str) -> None:
    """Raise PermissionDenied unless the caller reaches the tenant."""
    if not reaches(caller, tenant):
        raise PermissionDenied("ROLE_NOT_HELD", f"{caller.name} is not of {tenant}")


def check_giving(caller: Caller, user: User, permissions: frozenset[str]) -> None:
    """Raise PermissionDenied when a user would have what its giver has not."""
    check_reach(caller, user.tenant)
    if not permissions <= caller.permissions:
        raise PermissionDenied("ROLE_NOT_HELD", "nobody gives a role that they do not have")
    if user.max_priority > caller.max_priority:
        raise PermissionDenied(
            "PRIORITY_ABOVE_CEILING",
            f"{user.max_priority} is above {caller.max_priority}",
            {"max_priority": str(caller.max_priority)},
        )


def check_sense(user: User) -> None:
    """Raise InvalidArgument for a record that makes no sense."""
    tenant, _, segment = user.name.partition("/principals/")
    if not tenant.startswith("tenants/") or not _is_segment(segment):
        raise InvalidArgument("INVALID_NAME", f"{user.name!r} is no principal", field="name")
    if len(user.display_name) > MOST_NAME_CHARACTERS or "\n" in user.display_name:
        raise InvalidArgument("INVALID_DISPLAY_NAME", "not one line", field="display_name")
    if any(grant.scope for grant in user.grants):
        raise InvalidArgument(
            "SCOPE_NOT_SERVED", "roles hold at all sites of the tenant", field="role_bindings"
        )


def check_own_access(caller: Caller, user: str, *, keeps: bool) -> None:
    """Raise FailedPrecondition when somebody would shut themselves out."""
    if caller.name == user and not keeps:
        raise FailedPrecondition("OWN_ACCESS_LOST", "nobody takes away what lets themselves in")


def _is_segment(text: str) -> bool:
    return 0 < len(text) <= 63 and all(
        letter.isascii() and (letter.islower() or letter.isdigit() or letter in "-_.")
        for letter in text
    )
