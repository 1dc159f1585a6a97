"""Users and keys: wattmesh.identity.v1 ↔ domain."""

import hashlib
from typing import Any

from wattmesh.identity.v1 import identity_pb2 as pb
from wattmesh_contracts.values import datetime_from_proto, timestamp_to_proto
from wattmesh_dashboard.domain.users import (
    Credential,
    CredentialKind,
    Grant,
    Key,
    User,
    UserKind,
)
from wattmesh_kernel.errors import InvalidArgument

_ROLE, _KIND = "ROLE_KIND_", "PRINCIPAL_KIND_"


def user_from_proto(proto: pb.Principal) -> User:
    """Return a user; InvalidArgument for a role or kind that is not said or known."""
    return User(
        name=proto.name,
        display_name=proto.display_name,
        kind=UserKind(_word(pb.PrincipalKind, proto.kind, _KIND, "kind", unsaid=True)),
        grants=tuple(_grant(each) for each in proto.role_bindings),
        credentials=tuple(_credential(each) for each in proto.credentials),
        max_priority=proto.max_priority,
        owners=tuple(proto.owners),
        gateway=proto.gateway,
        disabled=proto.disabled,
        created=datetime_from_proto(proto.create_time) if proto.HasField("create_time") else None,
    )


def user_to_proto(user: User) -> pb.Principal:
    """Return the record as it is kept: without an etag, which follows from it."""
    proto = pb.Principal(
        name=user.name,
        display_name=user.display_name,
        kind=pb.PrincipalKind.Value(f"{_KIND}{user.kind.value.upper()}"),
        max_priority=user.max_priority,
        owners=user.owners,
        gateway=user.gateway,
        disabled=user.disabled,
    )
    for grant in user.grants:
        role = pb.RoleKind.Value(f"{_ROLE}{grant.role.upper()}")
        bound = proto.role_bindings.add(role=role, scope=grant.scope)
        if grant.ends is not None:
            bound.expire_time.CopyFrom(timestamp_to_proto(grant.ends))
    for each in user.credentials:
        credential = proto.credentials.add()
        if each.kind is CredentialKind.CERTIFICATE:
            credential.certificate.uri = each.of
        else:
            credential.token.issuer, credential.token.subject = each.of, each.subject
    if user.created is not None:
        proto.create_time.CopyFrom(timestamp_to_proto(user.created))
    return proto


def told(user: User) -> pb.Principal:
    """Return the record as it is told, with its etag."""
    proto = user_to_proto(user)
    proto.etag = etag(user)
    return proto


def etag(user: User) -> str:
    """Return what changes with every change of a user."""
    content = user_to_proto(user).SerializeToString(deterministic=True)
    return hashlib.sha256(content).hexdigest()[:16]


def key_to_proto(key: Key) -> pb.ApiKey:
    """Return a key, without what is kept of its secret."""
    proto = pb.ApiKey(
        name=key.name,
        display_name=key.display_name,
        prefix=key.prefix,
        expire_time=timestamp_to_proto(key.ends),
        etag=key.sha256[:16],
    )
    if key.created is not None:
        proto.create_time.CopyFrom(timestamp_to_proto(key.created))
    return proto


def _grant(proto: pb.RoleBinding) -> Grant:
    return Grant(
        role=_word(pb.RoleKind, proto.role, _ROLE, "role_bindings.role"),
        scope=proto.scope,
        ends=datetime_from_proto(proto.expire_time) if proto.HasField("expire_time") else None,
    )


def _credential(proto: pb.Credential) -> Credential:
    match proto.WhichOneof("kind"):
        case "certificate":
            return Credential(kind=CredentialKind.CERTIFICATE, of=proto.certificate.uri)
        case "token":
            return Credential(
                kind=CredentialKind.TOKEN, of=proto.token.issuer, subject=proto.token.subject
            )
        case _:
            raise InvalidArgument("MISSING_FIELD", "of no kind", field="credentials")


def _word(kinds: Any, number: int, prefix: str, field: str, *, unsaid: bool = False) -> str:
    """Return `operator` of ROLE_KIND_OPERATOR; InvalidArgument for what is not said or known."""
    if (number == 0 and not unsaid) or number not in kinds.values():
        raise InvalidArgument("UNKNOWN_VALUE", f"{number} has no meaning", field=field)
    name: str = kinds.Name(number)
    return name.removeprefix(prefix).lower()
