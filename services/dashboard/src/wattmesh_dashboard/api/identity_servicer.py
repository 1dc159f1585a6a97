"""wattmesh.identity.v1.IdentityService: users, API keys and roles of a mesh with identities."""
# ruff: noqa: N802 (the method names are those of the contract)

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import grpc

from wattmesh.identity.v1 import identity_pb2, identity_service_pb2_grpc
from wattmesh.identity.v1 import identity_service_pb2 as pb
from wattmesh.type.v1 import permission_pb2
from wattmesh_contracts.masks import merged
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_dashboard.api.identity_convert import (
    etag,
    key_to_proto,
    told,
    user_from_proto,
    user_to_proto,
)
from wattmesh_dashboard.app.manage_users import ManageUsers
from wattmesh_dashboard.domain.users import Key, User
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from wattmesh_kernel.paging import LARGEST_PAGE, page_size

Context = grpc.aio.ServicerContext[object, object]
_Servicer: Any = identity_service_pb2_grpc.IdentityServiceServicer
T = TypeVar("T")


class IdentityServicer(_Servicer):  # type: ignore[misc]
    """What is not here answers UNIMPLEMENTED: tenants are written in the file, the trail is a file.

    `users`: None where the mesh asks nobody who they are. `caller`: who makes the current call.
    """

    def __init__(
        self,
        users: ManageUsers | None,
        roles: Mapping[str, frozenset[str]],
        caller: Callable[[], Caller | None],
    ) -> None:
        self._users = users
        self._roles = roles
        self._caller = caller

    async def ListTenants(
        self, request: pb.ListTenantsRequest, context: Context
    ) -> pb.ListTenantsResponse:
        """List those whom the caller sees."""
        users, caller = self._known()
        names = await asyncio.to_thread(users.list_tenants, caller)
        page, token = _page(names, request, lambda name: name)
        tenants = [identity_pb2.Tenant(name=name) for name in page]
        return pb.ListTenantsResponse(tenants=tenants, next_page_token=token)

    async def ListPrincipals(
        self, request: pb.ListPrincipalsRequest, context: Context
    ) -> pb.ListPrincipalsResponse:
        """List users."""
        users, caller = self._known()
        found = await asyncio.to_thread(users.list_users, caller, request.parent)
        page, token = _page(found, request, lambda user: user.name)
        return pb.ListPrincipalsResponse(principals=map(told, page), next_page_token=token)

    async def GetPrincipal(
        self, request: pb.GetPrincipalRequest, context: Context
    ) -> pb.GetPrincipalResponse:
        """Return one."""
        users, caller = self._known()
        user = await asyncio.to_thread(users.user, caller, request.name)
        return pb.GetPrincipalResponse(principal=told(user))

    async def CreatePrincipal(
        self, request: pb.CreatePrincipalRequest, context: Context
    ) -> pb.CreatePrincipalResponse:
        """Add one."""
        users, caller = self._known()
        user = user_from_proto(request.principal)
        return pb.CreatePrincipalResponse(
            principal=told(await asyncio.to_thread(users.create, caller, user))
        )

    async def UpdatePrincipal(
        self, request: pb.UpdatePrincipalRequest, context: Context
    ) -> pb.UpdatePrincipalResponse:
        """Change one."""
        users, caller = self._known()
        change = partial(_changed, request)
        user = await asyncio.to_thread(users.update, caller, request.principal.name, change)
        return pb.UpdatePrincipalResponse(principal=told(user))

    async def DeletePrincipal(
        self, request: pb.DeletePrincipalRequest, context: Context
    ) -> pb.DeletePrincipalResponse:
        """Take one away."""
        users, caller = self._known()
        try:
            _check_etag(request.etag, await asyncio.to_thread(users.user, caller, request.name))
            await asyncio.to_thread(users.delete, caller, request.name)
        except NotFound:
            if not request.allow_missing:
                raise
        return pb.DeletePrincipalResponse()

    async def ListApiKeys(
        self, request: pb.ListApiKeysRequest, context: Context
    ) -> pb.ListApiKeysResponse:
        """List a user's keys."""
        users, caller = self._known()
        found = await asyncio.to_thread(users.list_keys, caller, request.parent)
        page, token = _page(found, request, lambda key: key.name)
        return pb.ListApiKeysResponse(api_keys=map(key_to_proto, page), next_page_token=token)

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, context: Context
    ) -> pb.CreateApiKeyResponse:
        """Make a key; the answer alone has its secret."""
        users, caller = self._known()
        key, secret = await asyncio.to_thread(users.create_key, caller, _new_key(request))
        return pb.CreateApiKeyResponse(api_key=key_to_proto(key), secret=secret)

    async def DeleteApiKey(
        self, request: pb.DeleteApiKeyRequest, context: Context
    ) -> pb.DeleteApiKeyResponse:
        """Revoke a key."""
        users, caller = self._known()
        try:
            await asyncio.to_thread(users.revoke_key, caller, request.name)
        except NotFound:
            if not request.allow_missing:
                raise
        return pb.DeleteApiKeyResponse()

    async def ListRoles(
        self, request: pb.ListRolesRequest, context: Context
    ) -> pb.ListRolesResponse:
        """List the roles with what they may do."""
        page, token = _page(sorted(self._roles), request, lambda name: name)
        return pb.ListRolesResponse(roles=map(self._role, page), next_page_token=token)

    async def GetRole(self, request: pb.GetRoleRequest, context: Context) -> pb.GetRoleResponse:
        """Return one role."""
        name = request.name.removeprefix("roles/")
        if name not in self._roles or name == request.name:
            raise NotFound("ROLE_NOT_FOUND", f"there is no {request.name}")
        return pb.GetRoleResponse(role=self._role(name))

    async def GetCaller(
        self, request: pb.GetCallerRequest, context: Context
    ) -> pb.GetCallerResponse:
        """Say who calls, and what they may do."""
        users, caller = self._known()
        try:
            principal = told(await asyncio.to_thread(users.user, caller, caller.name))
        except NotFound:  # known by a certificate alone
            principal = identity_pb2.Principal(
                name=caller.name, max_priority=caller.max_priority, owners=sorted(caller.owners)
            )
        return pb.GetCallerResponse(
            principal=principal, permissions=_permissions(caller.permissions)
        )

    def _known(self) -> tuple[ManageUsers, Caller]:
        """Return what is asked and who asks. Error: FailedPrecondition where nobody is known."""
        caller = self._caller()
        if self._users is None or caller is None:
            raise FailedPrecondition("IDENTITIES_OFF", "this mesh asks nobody who they are")
        return self._users, caller

    def _role(self, name: str) -> identity_pb2.Role:
        kind = identity_pb2.RoleKind.Value(f"ROLE_KIND_{name.upper()}")
        permissions = _permissions(self._roles[name])
        return identity_pb2.Role(name=f"roles/{name}", kind=kind, permissions=permissions)


def _changed(request: pb.UpdatePrincipalRequest, user: User) -> User:
    """Return a user as the request wants it; what the server gives stays."""
    _check_etag(request.principal.etag, user)
    kept = user_to_proto(user)
    after = merged(kept, request.principal, list(request.update_mask.paths))
    after.name, after.kind = kept.name, kept.kind
    after.ClearField("create_time")
    if kept.HasField("create_time"):
        after.create_time.CopyFrom(kept.create_time)
    return user_from_proto(after)


def _check_etag(given: str, user: User) -> None:
    if given and given != etag(user):
        raise Aborted("ETAG_MISMATCH", f"{user.name} has changed meanwhile")


def _new_key(request: pb.CreateApiKeyRequest) -> Key:
    key = request.api_key
    user, _, segment = key.name.partition("/api-keys/")
    if not user or not segment or "/" in segment:
        raise InvalidArgument("INVALID_NAME", f"{key.name!r} is no API key", field="api_key.name")
    if not key.HasField("expire_time"):
        raise InvalidArgument("MISSING_FIELD", "is required", field="api_key.expire_time")
    return Key(
        name=key.name,
        display_name=key.display_name,
        sha256="",
        prefix="",
        ends=datetime_from_proto(key.expire_time),
        request_id=request.request_id,
    )


def _page(items: Sequence[T], request: Any, name: Callable[[T], str]) -> tuple[Sequence[T], str]:
    """Return the items after the token, by name, and the next token."""
    size = page_size(request.page_size, LARGEST_PAGE)
    left = [each for each in items if name(each) > request.page_token]
    return left[:size], name(left[size - 1]) if len(left) > size else ""


def _permissions(names: frozenset[str]) -> Sequence["permission_pb2.Permission.ValueType"]:
    return [permission_pb2.Permission.Value(name) for name in sorted(names)]
