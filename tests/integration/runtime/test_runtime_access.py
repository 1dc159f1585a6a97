"""Who may call what, tried: each RPC by each role and service, and those who pose as others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.fakes.identities import Identities
from tests.fakes.unserved import call, methods, permission, register_all, request_of
from wattmesh.control.v1 import control_pb2, hold_pb2
from wattmesh.gateway.v1 import gateway_link_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh_runtime.access.roles import ROLES, SERVICES
from wattmesh_runtime.testing import channel_for_test, serve_for_test

ADMITTED = grpc.StatusCode.UNIMPLEMENTED
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNKNOWN = grpc.StatusCode.UNAUTHENTICATED

METHODS = {method.full_name.removeprefix("wattmesh."): method for method in methods()}
CONNECT = METHODS["gateway.v1.GatewayLinkService.Connect"]
INGEST = METHODS["metering.v1.MeteringService.Ingest"]
SUBMIT = METHODS["control.v1.ControlService.SubmitSchedule"]
COMMAND = METHODS["control.v1.ControlService.IssueCommand"]
LIMIT = METHODS["control.v1.ControlService.SetLimit"]
HOLD = METHODS["control.v1.OperatorService.PlaceHold"]
GATEWAY = "spiffe://mesh/gateways/roof"


def uri_of_role(role: str) -> str:
    return GATEWAY if role == "device" else f"spiffe://mesh/roles/{role}/alice"


def uri_of_service(service: str) -> str:
    return f"spiffe://mesh/ns/wattmesh/sa/{service}"


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    return Identities(tmp_path_factory.mktemp("identities"))


async def answers(identities: Identities, uri: str) -> dict[str, grpc.StatusCode]:
    """What every RPC answers to whoever shows a URI."""
    async with (
        serve_for_test(register_all, settings=identities.server()) as target,
        channel_for_test(target, identities.of(uri)) as channel,
    ):
        owner = uri.rpartition("/")[2]
        return {
            name: (await call(channel, method, request_of(method, owner)))[0]
            for name, method in METHODS.items()
        }


def expected(held: frozenset[str], code_of_none: grpc.StatusCode = DENIED) -> dict[str, Any]:
    return {
        name: ADMITTED if permission(method) in held else code_of_none
        for name, method in METHODS.items()
    }


@pytest.mark.parametrize("role", ROLES)
async def test_each_rpc_is_open_to_exactly_the_roles_that_hold_its_permission(
    identities: Identities, role: str
) -> None:
    wanted = expected(ROLES[role])
    assert await answers(identities, uri_of_role(role)) == wanted
    assert DENIED in wanted.values()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_may_call_whom_it_needs_and_nobody_else(
    identities: Identities, service: str
) -> None:
    assert await answers(identities, uri_of_service(service)) == expected(SERVICES[service])


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://other/roles/admin/alice",
        "spiffe://mesh/roles/root/alice",
        "spiffe://mesh/roles/admin/",
        "spiffe://mesh/roles/device/roof",
        "spiffe://mesh/ns/wattmesh/sa/default",
        "spiffe://mesh/ns/wattmesh/sa/planner/extra",
        "spiffe://meshed/ns/wattmesh/sa/planner",
        "https://mesh/roles/admin/alice",
    ],
)
async def test_a_certificate_of_the_authority_that_names_nobody_gets_nothing(
    identities: Identities, uri: str
) -> None:
    assert set((await answers(identities, uri)).values()) == {UNKNOWN}


async def said(
    identities: Identities, uri: str, method: Any, *requests: Any
) -> tuple[grpc.StatusCode, str]:
    async with (
        serve_for_test(register_all, settings=identities.server()) as target,
        channel_for_test(target, identities.of(uri)) as channel,
    ):
        return await call(channel, method, *requests)


def hello(gateway: str) -> gateway_link_pb2.ConnectRequest:
    return gateway_link_pb2.ConnectRequest(hello=gateway_link_pb2.GatewayHello(gateway=gateway))


def ingest(source: str) -> metering_pb2.IngestRequest:
    return metering_pb2.IngestRequest(hello=metering_pb2.IngestHello(source=source))


PLANNER, OPERATOR = uri_of_service("planner"), uri_of_role("operator")
Submit, Command = control_pb2.SubmitScheduleRequest, control_pb2.IssueCommandRequest
CLAIMS = [
    (SUBMIT, PLANNER, Submit(owner="planner", priority=10), ADMITTED, ""),
    (SUBMIT, PLANNER, Submit(owner="planner", priority=11), DENIED, "priority 11"),
    (SUBMIT, PLANNER, Submit(owner="alice", priority=10), DENIED, "'alice'"),
    (SUBMIT, PLANNER, Submit(priority=10), DENIED, "''"),
    (COMMAND, OPERATOR, Command(owner="alice", priority=100), ADMITTED, ""),
    (COMMAND, OPERATOR, Command(owner="alice", priority=1000), DENIED, "priority 1000"),
    (COMMAND, OPERATOR, Command(owner="planner", priority=1), DENIED, "'planner'"),
    (LIMIT, OPERATOR, control_pb2.SetLimitRequest(), ADMITTED, ""),
    (
        LIMIT,
        OPERATOR,
        control_pb2.SetLimitRequest(limit=control_pb2.Limit(owner="grid-operator")),
        DENIED,
        "'grid-operator'",
    ),
    (HOLD, OPERATOR, hold_pb2.PlaceHoldRequest(hold=hold_pb2.Hold(owner="bob")), DENIED, "'bob'"),
]


@pytest.mark.parametrize(("method", "uri", "request_", "code", "words"), CLAIMS)
async def test_owner_and_priority_are_the_callers_own(
    identities: Identities, method: Any, uri: str, request_: Any, code: Any, words: str
) -> None:
    answer = await said(identities, uri, method, request_)
    assert answer[0] is code
    assert words in answer[1]


class Listening:
    """Takes what a gateway says until it is refused."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def register(self, server: grpc.aio.Server) -> None:
        for method, request in (
            (CONNECT, gateway_link_pb2.ConnectRequest),
            (INGEST, metering_pb2.IngestRequest),
        ):
            listen = grpc.stream_stream_rpc_method_handler(
                self._listen,
                request_deserializer=request.FromString,
                response_serializer=bytes,
            )
            service = method.containing_service.full_name
            handlers = grpc.method_handlers_generic_handler(service, {method.name: listen})
            server.add_generic_rpc_handlers((handlers,))

    async def _listen(self, requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            hello = request.hello
            self.heard.append(hello.gateway if hasattr(hello, "gateway") else hello.source)
            yield b""


@pytest.mark.parametrize(
    ("method", "uri", "request_", "admitted"),
    [
        (CONNECT, GATEWAY, hello("gateways/roof"), True),
        (CONNECT, GATEWAY, hello("gateways/cellar"), False),
        (CONNECT, uri_of_service("gateway"), hello("gateways/roof"), False),
        (INGEST, GATEWAY, ingest("gateways/roof"), True),
        (INGEST, GATEWAY, ingest("gateways/cellar"), False),
        (INGEST, uri_of_service("twin"), ingest("twin/history"), True),
        (INGEST, uri_of_service("twin"), ingest("gateways/roof"), False),
    ],
)
async def test_nobody_is_a_gateway_but_itself(
    identities: Identities, method: Any, uri: str, request_: Any, admitted: bool
) -> None:
    listening = Listening()
    async with (
        serve_for_test(listening.register, settings=identities.server()) as target,
        channel_for_test(target, identities.of(uri)) as channel,
    ):
        code, _ = await call(channel, method, request_)
    assert code is (grpc.StatusCode.OK if admitted else DENIED)
    assert bool(listening.heard) == admitted


async def test_a_gateway_does_not_become_another_in_the_middle_of_its_stream(
    identities: Identities,
) -> None:
    listening = Listening()
    async with (
        serve_for_test(listening.register, settings=identities.server()) as target,
        channel_for_test(target, identities.of(GATEWAY)) as channel,
    ):
        code, _ = await call(channel, CONNECT, hello("gateways/roof"), hello("gateways/cellar"))
    assert code is DENIED
    assert listening.heard == ["gateways/roof"]


async def test_health_is_told_to_every_certificate_and_the_list_of_methods_to_those_known(
    identities: Identities,
) -> None:
    async with serve_for_test(settings=identities.server()) as target:
        for uri, code in (("spiffe://mesh/nobody", UNKNOWN), (uri_of_service("carbon"), None)):
            async with channel_for_test(target, identities.of(uri)) as channel:
                health: Any = health_pb2_grpc.HealthStub(channel)
                assert (await health.Check(health_pb2.HealthCheckRequest())).status == 1
                stock: Any = channel
                reflection: Any = reflection_pb2_grpc.ServerReflectionStub(stock)
                request = reflection_pb2.ServerReflectionRequest(list_services="")
                asked = reflection.ServerReflectionInfo(iter([request]))
                if code is None:
                    assert await anext(aiter(asked))
                    continue
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await anext(aiter(asked))
                assert caught.value.code() is code


async def test_in_plaintext_on_loopback_nobody_is_asked(tmp_path: Path) -> None:
    async with (
        serve_for_test(register_all) as target,
        channel_for_test(target) as channel,
    ):
        assert (await call(channel, COMMAND, Command(owner="anybody", priority=1000)))[
            0
        ] is ADMITTED
