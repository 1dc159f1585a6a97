"""Permissions, roles and claims against the contracts and the code that calls."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor

from tests.fakes.unserved import methods, permission, services
from tools.bootstrap import ROOT
from wattmesh.type.v1 import permission_pb2
from wattmesh_runtime.access.claims import claims_of
from wattmesh_runtime.access.permissions import OPEN, permission_of
from wattmesh_runtime.access.roles import ROLES, SERVICES

NOT_OF_THE_CALLER = {
    "demandresponse.v1.Event.priority",
    "usage.v1.ChargingNeed.priority",
    "usage.v1.DeferrableRun.priority",
    "usage.v1.Vehicle.owner",
    "usage.v1.ZoneSchedule.priority",
    "weather.v1.WeatherSource.priority",
}
"""Fields that are called as claims are and say nothing of the caller: which of several goes first,
and whose a vehicle is."""


def test_the_server_reads_the_permission_that_the_contract_says() -> None:
    for method in methods():
        path = f"/{method.containing_service.full_name}/{method.name}"
        assert permission_of(path) == permission(method)


def test_a_process_that_has_imported_nothing_but_its_server_reads_it_too() -> None:
    """Generated servers import the messages, not the file in which the service is described."""
    asked = "/wattmesh.control.v1.OperatorService/WatchHolds"
    program = (
        "import wattmesh.control.v1.operator_pb2_grpc\n"
        "from wattmesh_runtime.access.permissions import permission_of\n"
        f"print(permission_of({asked!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "PERMISSION_COMMAND_READ"


@pytest.mark.parametrize(
    "method",
    [
        "/wattmesh.site.v1.SiteService/Unheard",
        "/wattmesh.unheard.v1.Service/Get",
        "/grpc.health.v1.Health/Unheard",
        "/Get",
        "",
    ],
)
def test_what_says_no_permission_is_denied(method: str) -> None:
    assert permission_of(method) is None


def test_only_health_is_open() -> None:
    assert permission_of("/grpc.health.v1.Health/Check") == OPEN
    assert permission_of("/grpc.channelz.v1.Channelz/GetServers") == "PERMISSION_STATUS_READ"
    reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    assert permission_of(reflection) == "PERMISSION_SELF_READ"


def test_who_only_looks_changes_nothing_and_who_holds_more_may_more() -> None:
    assert all(name.endswith("_READ") for name in ROLES["viewer"])
    assert ROLES["viewer"] < ROLES["operator"] < ROLES["engineer"] < ROLES["admin"]
    commands = {"PERMISSION_COMMAND_ISSUE", "PERMISSION_SCHEDULE_SUBMIT", "PERMISSION_LIMIT_WRITE"}
    assert not ROLES["device"] & commands
    connects = {role for role, held in ROLES.items() if "PERMISSION_GATEWAY_CONNECT" in held}
    assert connects == {"device"}


def test_every_permission_is_held_by_some_role() -> None:
    every = set(permission_pb2.Permission.keys()) - {"PERMISSION_UNSPECIFIED"}
    assert frozenset().union(*ROLES.values()) == every


def called(package: Path) -> Iterator[str]:
    """The permissions of the RPCs that a package's source calls: `self._stub.QueryEnergy(…)`."""
    known = {method.name: permission(method) for method in methods()}
    for file in package.rglob("*.py"):
        text = file.read_text()
        if "Stub(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and node.attr in known:
                yield known[node.attr]


def follows_sites(package: Path) -> bool:
    return any("wattmesh_sitemodel" in file.read_text() for file in package.rglob("*.py"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_call_what_its_source_calls(service: str) -> None:
    home = ROOT / "gateway" if service == "gateway" else ROOT / "services" / service
    package = home / "src" / f"wattmesh_{service}"
    needed = set(called(package))
    if follows_sites(package):
        needed.add("PERMISSION_SITE_READ")
    assert needed <= SERVICES[service]


def fields(descriptor: Descriptor, above: frozenset[str] = frozenset()) -> Iterator[str]:
    if descriptor.full_name in above:
        return
    for field in descriptor.fields:
        yield field.full_name.removeprefix("wattmesh.")
        if field.message_type is not None:
            yield from fields(field.message_type, above | {descriptor.full_name})


def test_what_a_request_says_of_its_caller_is_marked_as_a_claim() -> None:
    """A new request with an owner or a priority is not forgotten."""
    unmarked = set()
    for method in methods():
        if permission(method).endswith("_READ") or permission(method).startswith(
            "PERMISSION_IDENT"
        ):
            continue
        marked = {
            ".".join(str(path[-1].full_name).split(".")[1:])
            for path, _ in claims_of(method.input_type)
        }
        named = {
            name for name in fields(method.input_type) if name.endswith((".owner", ".priority"))
        }
        unmarked |= named - marked
    assert unmarked == NOT_OF_THE_CALLER
    assert {service.name for service in services()} >= {"ControlService", "GatewayLinkService"}
