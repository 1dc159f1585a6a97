"""Users and API keys: managed by whoever may, nobody gives more than they have, all is audited."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from wattmesh.identity.v1 import identity_pb2 as identity
from wattmesh.identity.v1 import identity_service_pb2 as pb
from wattmesh.identity.v1 import identity_service_pb2_grpc
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_dashboard.wiring import _identities
from wattmesh_runtime.access import files
from wattmesh_runtime.access.principals import digest, read_principals
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.testing import channel_for_test, serve_for_test

TENANT = "tenants/default"
LATER = "2100-01-01T00:00:00Z"


def principal(name: str, role: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "role_bindings": [{"role": f"ROLE_KIND_{role}"}], **more}


@dataclass(frozen=True)
class World:
    """IdentityService before its file, as the dashboard serves it."""

    stub: Any
    file: Path
    trail: Path

    async def call(self, method: str, request: Any, key: str = "ada") -> Any:
        metadata = (("authorization", f"Bearer wm_{key}"),)
        return await getattr(self.stub, method)(request, metadata=metadata)

    async def refused(self, method: str, request: Any, key: str = "ada") -> grpc.StatusCode:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.call(method, request, key)
        return caught.value.code()

    async def names(self, key: str = "ada", tenant: str = TENANT) -> list[str]:
        listed = await self.call("ListPrincipals", pb.ListPrincipalsRequest(parent=tenant), key)
        return [each.name.rpartition("/")[2] for each in listed.principals]


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(files, "LOOK_SECONDS", 0.0)  # how soon a server sees a file's change
    file, trail = tmp_path / "principals.json", tmp_path / "audit.jsonl"
    ada, eve = f"{TENANT}/principals/ada", f"{TENANT}/principals/eve"
    document = {
        "principals": [
            principal(ada, "ADMIN", kind="PRINCIPAL_KIND_PERSON"),
            principal(eve, "OPERATOR"),
        ],
        "api_keys": [
            {"principal": name, "sha256": digest(f"wm_{key}"), "expire_time": LATER}
            for name, key in ((ada, "ada"), (eve, "eve"))
        ],
    }
    file.write_text(json.dumps(document))
    settings = ServiceSettings(principals_file=file, audit_file=trail)
    add = identity_service_pb2_grpc.add_IdentityServiceServicer_to_server
    async with (
        serve_for_test(partial(add, _identities(file)), settings=settings) as target,
        channel_for_test(target) as channel,
    ):
        stub: Any = identity_service_pb2_grpc.IdentityServiceStub(channel)
        yield World(stub, file, trail)


def new_user(name: str, role: "identity.RoleKind.ValueType") -> pb.CreatePrincipalRequest:
    return pb.CreatePrincipalRequest(
        principal=identity.Principal(
            name=f"{TENANT}/principals/{name}",
            kind=identity.PRINCIPAL_KIND_PROGRAM,
            role_bindings=[identity.RoleBinding(role=role)],
        )
    )


def new_key(user: str, days: float = 30) -> pb.CreateApiKeyRequest:
    ends = timestamp_to_proto(datetime.now(UTC) + timedelta(days=days))
    name = f"{TENANT}/principals/{user}/api-keys/one"
    return pb.CreateApiKeyRequest(
        api_key=identity.ApiKey(name=name, display_name="for tests", expire_time=ends),
        request_id="r1",
    )


async def test_a_user_gets_in_by_a_key_until_it_is_revoked(world: World) -> None:
    request = new_user("ems", identity.ROLE_KIND_VIEWER)
    made = (await world.call("CreatePrincipal", request)).principal
    assert (await world.call("CreatePrincipal", request)).principal == made, "a repeat"
    answer = await world.call("CreateApiKey", new_key("ems"))
    secret = answer.secret
    again = await world.call("CreateApiKey", new_key("ems"))
    assert (again.api_key, again.secret) == (answer.api_key, "")
    assert secret not in world.file.read_text()
    by_hand = json.loads(world.file.read_text())["api_keys"][:2]
    assert [each.keys() for each in by_hand] == [{"principal", "sha256", "expire_time"}] * 2

    caller = read_principals(world.file).of_key(secret)
    assert caller is not None
    assert caller.may("PERMISSION_SITE_READ")
    assert not caller.may("PERMISSION_COMMAND_ISSUE")
    mine = await world.call("GetCaller", pb.GetCallerRequest(), secret.removeprefix("wm_"))
    assert mine.principal.name == made.name
    listed = await world.call("ListApiKeys", pb.ListApiKeysRequest(parent=made.name))
    assert [key.prefix for key in listed.api_keys] == [secret[:8]]

    await world.call("DeleteApiKey", pb.DeleteApiKeyRequest(name=answer.api_key.name))
    assert read_principals(world.file).of_key(secret) is None
    trail = [json.loads(line) for line in world.trail.read_text().splitlines()]
    done = [(each["method"].rpartition(".")[2], each["principal"]) for each in trail]
    assert ("DeleteApiKey", f"{TENANT}/principals/ada") in done


async def test_roles_change_and_a_stale_change_is_refused(world: World) -> None:
    made = (
        await world.call("CreatePrincipal", new_user("ems", identity.ROLE_KIND_VIEWER))
    ).principal
    changed = identity.Principal(
        name=made.name,
        etag=made.etag,
        role_bindings=[identity.RoleBinding(role=identity.ROLE_KIND_OPERATOR)],
    )
    request = pb.UpdatePrincipalRequest(principal=changed)
    request.update_mask.paths.append("role_bindings")
    after = (await world.call("UpdatePrincipal", request)).principal
    assert [each.role for each in after.role_bindings] == [identity.ROLE_KIND_OPERATOR]
    assert await world.refused("UpdatePrincipal", request) is grpc.StatusCode.ABORTED
    await world.call("DeletePrincipal", pb.DeletePrincipalRequest(name=made.name))
    assert await world.names() == ["ada", "eve"]


async def test_nobody_gives_what_they_have_not_or_shuts_themselves_out(world: World) -> None:
    denied, failed = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.FAILED_PRECONDITION
    assert (
        await world.refused("CreatePrincipal", new_user("x", identity.ROLE_KIND_VIEWER), "eve")
        is denied
    )
    # An administrator has not what devices have: the line of a gateway.
    device = new_user("meter", identity.ROLE_KIND_DEVICE)
    assert await world.refused("CreatePrincipal", device) is denied
    above = new_user("boss", identity.ROLE_KIND_ADMIN)
    above.principal.max_priority = 1001
    assert await world.refused("CreatePrincipal", above) is denied
    own = pb.DeletePrincipalRequest(name=f"{TENANT}/principals/ada")
    assert await world.refused("DeletePrincipal", own) is failed
    over = new_key("eve", days=-1)
    assert await world.refused("CreateApiKey", over) is grpc.StatusCode.INVALID_ARGUMENT
    assert await world.names() == ["ada", "eve"]


async def test_roles_say_what_they_may(world: World) -> None:
    roles = (await world.call("ListRoles", pb.ListRolesRequest(), "eve")).roles
    by_name = {role.name: len(role.permissions) for role in roles}
    assert by_name["roles/viewer"] < by_name["roles/operator"] < by_name["roles/admin"]


async def test_a_mesh_without_identities_says_so() -> None:
    add = identity_service_pb2_grpc.add_IdentityServiceServicer_to_server
    async with (
        serve_for_test(partial(add, _identities(None))) as target,
        channel_for_test(target) as channel,
    ):
        stub: Any = identity_service_pb2_grpc.IdentityServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListPrincipals(pb.ListPrincipalsRequest(parent=TENANT))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
