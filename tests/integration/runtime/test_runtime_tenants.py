"""Two tenants on one mesh: each RPC tried with another's sites, and answers that tell of them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor

from tests.fakes.tenants import shown, write_people
from tests.fakes.unserved import call, methods, permission, register_all, request_of
from wattmesh.alert.v1 import alert_pb2
from wattmesh.control.v1 import control_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh_kernel.errors import FailedPrecondition, NotFound
from wattmesh_runtime.access.principals import read_principals
from wattmesh_runtime.access.reach import WAYS, Named, Shared, check_answer
from wattmesh_runtime.access.roles import ROLES
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.testing import channel_for_test, serve_for_test

ADMITTED = grpc.StatusCode.UNIMPLEMENTED
DENIED = grpc.StatusCode.PERMISSION_DENIED
ADMIN, VIEWER, RUNS_IT = "ada", "vera", "olga"
PEOPLE = {ADMIN: ("acme", "ADMIN"), VIEWER: ("acme", "VIEWER"), RUNS_IT: ("default", "ADMIN")}
OURS, THEIRS = "sites/home-1", "sites/home-2"
TENANTS = {"acme": [OURS], "zeta": [THEIRS]}
METHODS = {f"/{each.containing_service.full_name}/{each.name}": each for each in methods()}


def settings(folder: Path) -> ServiceSettings:
    file = write_people(folder / "principals.json", PEOPLE, TENANTS)
    return ServiceSettings(principals_file=file, shutdown_notice_seconds=0, grace_seconds=0.2)


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        serve_for_test(register_all, settings=settings(tmp_path)) as target,
        channel_for_test(target) as opened,
    ):
        yield opened


async def answer(
    channel: grpc.aio.Channel, who: str, method: MethodDescriptor, request: Any
) -> grpc.StatusCode:
    return (await call(channel, method, request, metadata=shown(who)))[0]


def put(message: Any, path: tuple[str, ...], text: str) -> None:
    """Say a text at a place."""
    name, *rest = path
    field = message.DESCRIPTOR.fields_by_name[name]
    if not rest and field.is_repeated:
        getattr(message, name).append(text)
    elif not rest:
        setattr(message, name, text)
    elif field.is_repeated:
        found = getattr(message, name)
        put(found[0] if found else found.add(), tuple(rest), text)
    else:
        getattr(message, name).SetInParent()
        put(getattr(message, name), tuple(rest), text)


def asked(method: MethodDescriptor, way: Named, name: str) -> Any:
    """A request that names something at each place by which it is known whose it is about."""
    request = message_factory.GetMessageClass(method.input_type)()
    for field in way.fields:
        put(request, tuple(field.split(".")), name)
    return request


def test_every_method_that_is_open_to_tenants_is_there_and_has_the_fields_that_it_is_known_by() -> (
    None
):
    known = {path for path in WAYS if "StatusService" not in path}
    assert known <= set(METHODS)
    for path in known:
        way = WAYS[path]
        if isinstance(way, Named):
            request = asked(METHODS[path], way, OURS)
            assert all(hasattr(request, field) for field in way.without)


async def test_each_rpc_answers_for_ones_own_site_and_for_nobody_elses(
    channel: grpc.aio.Channel,
) -> None:
    """An admin of a tenant, who has every permission: it is the sites alone that decide."""
    for path, method in METHODS.items():
        if permission(method) not in ROLES["admin"]:
            continue
        way = WAYS.get(path)
        if way is None:
            assert await answer(channel, ADMIN, method, request_of(method)) is DENIED, path
        if not isinstance(way, Named) or method.client_streaming:
            continue
        for name, code in (
            (f"{OURS}/assets/a", ADMITTED),
            (f"{THEIRS}/assets/a", DENIED),
            ("sites/-/assets/-", DENIED),
            ("groups/all", DENIED),
            (f"{OURS}x", DENIED),
        ):
            assert await answer(channel, ADMIN, method, asked(method, way, name)) is code, path
        assert await answer(channel, ADMIN, method, request_of(method)) is DENIED, path


async def test_one_name_of_others_among_ones_own_is_one_too_many(channel: grpc.aio.Channel) -> None:
    method = METHODS["/wattmesh.metering.v1.MeteringService/GetLatestReadings"]
    points = [f"{site}/devices/d/points/p" for site in (OURS, THEIRS)]
    for named, code in ((points[:1], ADMITTED), (points, DENIED), (points[1:], DENIED)):
        request = metering_pb2.GetLatestReadingsRequest(points=named)
        assert await answer(channel, ADMIN, method, request) is code


async def test_roles_hold_within_a_tenant_too(channel: grpc.aio.Channel) -> None:
    method = METHODS["/wattmesh.control.v1.ControlService/IssueCommand"]
    request = control_pb2.IssueCommandRequest(device=f"{OURS}/devices/d")
    assert await answer(channel, ADMIN, method, request) is ADMITTED
    assert await answer(channel, VIEWER, method, request) is DENIED


async def test_who_runs_the_mesh_is_asked_nothing_of_it(channel: grpc.aio.Channel) -> None:
    for path in ("site.v1.SiteService/WatchSiteModel", "planner.v1.PlannerService/ListScopes"):
        method = METHODS[f"/wattmesh.{path}"]
        assert await answer(channel, RUNS_IT, method, request_of(method)) is ADMITTED
        assert await answer(channel, ADMIN, method, request_of(method)) is DENIED


class Telling:
    """A control that tells of whatever site it was made with, whoever asks."""

    def __init__(self, site: str) -> None:
        device = f"{site}/devices/battery"
        self._command = control_pb2.Command(name="commands/1", device=device)

    def register(self, server: grpc.aio.Server) -> None:
        async def get(request: Any, context: Any) -> Any:
            return control_pb2.GetCommandResponse(command=self._command)

        async def listed(request: Any, context: Any) -> Any:
            return control_pb2.ListCommandsResponse(commands=[self._command])

        async def watched(request: Any, context: Any) -> AsyncIterator[Any]:
            yield control_pb2.WatchCommandsResponse(command=self._command)

        pb = control_pb2
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        handlers: dict[str, Any] = {
            name: made(
                behaviour,
                request_deserializer=asked.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
            for name, made, behaviour, asked in (
                ("GetCommand", unary, get, pb.GetCommandRequest),
                ("ListCommands", unary, listed, pb.ListCommandsRequest),
                ("WatchCommands", stream, watched, pb.WatchCommandsRequest),
            )
        }
        service = "wattmesh.control.v1.ControlService"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))


async def test_no_reading_is_taken_from_a_tenant_for_anothers_site(tmp_path: Path) -> None:
    """On a stream whose first batches were of its own."""
    taken: list[str] = []

    async def listen(requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            taken.extend(request.batch.points)
            yield b""

    method = METHODS["/wattmesh.metering.v1.MeteringService/Ingest"]
    handler = grpc.stream_stream_rpc_method_handler(
        listen,
        request_deserializer=metering_pb2.IngestRequest.FromString,
        response_serializer=bytes,
    )
    service = method.containing_service.full_name
    handlers = (grpc.method_handlers_generic_handler(service, {method.name: handler}),)
    async with (
        serve_for_test(
            lambda server: server.add_generic_rpc_handlers(handlers), settings=settings(tmp_path)
        ) as target,
        channel_for_test(target) as channel,
    ):
        hello = metering_pb2.IngestRequest(hello=metering_pb2.IngestHello(source="acme"))
        batches = (
            metering_pb2.IngestRequest(batch=metering_pb2.ReadingBatch(points=[f"{site}/points/p"]))
            for site in (OURS, THEIRS)
        )
        code, _ = await call(channel, method, hello, *batches, metadata=shown(ADMIN))
    assert code is DENIED
    assert set(taken) == {f"{OURS}/points/p"}


@pytest.mark.parametrize("name", ["GetCommand", "ListCommands", "WatchCommands"])
async def test_an_answer_that_names_anothers_site_is_none(tmp_path: Path, name: str) -> None:
    """By an id that does not say whose it is; and where a service would answer with too much."""
    method = METHODS[f"/wattmesh.control.v1.ControlService/{name}"]
    request = request_of(method)
    if name != "GetCommand":
        request.parent = f"{OURS}/devices/-"
    for site, code in ((OURS, grpc.StatusCode.OK), (THEIRS, grpc.StatusCode.NOT_FOUND)):
        async with (
            serve_for_test(Telling(site).register, settings=settings(tmp_path)) as target,
            channel_for_test(target) as channel,
        ):
            assert await answer(channel, ADMIN, method, request) is code


@pytest.mark.parametrize(
    "tenants",
    [
        [],
        [{"name": "tenants/acme", "sites": [OURS]}, {"name": "tenants/zeta", "sites": [OURS]}],
        [{"name": "tenants/acme"}, {"name": "tenants/acme"}],
        [{"name": "tenants/default", "sites": [OURS]}],
        [{"name": "tenants/acme", "sites": ["home-1"]}],
    ],
)
def test_tenants_that_make_no_sense_do_not_start(tmp_path: Path, tenants: list[Any]) -> None:
    file = write_people(tmp_path / "principals.json", PEOPLE, TENANTS)
    file.write_text(json.dumps({**json.loads(file.read_text()), "tenants": tenants}))
    with pytest.raises(FailedPrecondition, match=r"principals\.json"):
        read_principals(file)


def test_nobody_of_a_disabled_tenant_gets_in(tmp_path: Path) -> None:
    file = write_people(tmp_path / "principals.json", PEOPLE, TENANTS)
    known = json.loads(file.read_text())
    known["tenants"][0]["disabled"] = True
    file.write_text(json.dumps(known))
    caller = read_principals(file).of_key(f"wm_{ADMIN}")
    assert caller is not None
    assert not caller.permissions


def test_shared_methods_read_alone() -> None:
    shared = {path for path, way in WAYS.items() if isinstance(way, Shared) and path in METHODS}
    assert {permission(METHODS[path]).endswith("_READ") for path in shared} == {True}


@pytest.mark.parametrize(
    "text",
    [f"{THEIRS}: the day is dear", f"as dear as at {THEIRS}", f"{THEIRS}/assets/grid", THEIRS],
)
def test_a_sentence_that_names_anothers_site_is_no_answer_and_one_of_ones_own_is(
    tmp_path: Path, text: str
) -> None:
    """An alert on one's own site says its name and goes on: that was taken for another's."""
    file = write_people(tmp_path / "principals.json", PEOPLE, TENANTS)
    caller = read_principals(file).of_key(f"wm_{ADMIN}")
    assert caller is not None
    method = "/wattmesh.alert.v1.AlertService/WatchAlerts"
    ours = alert_pb2.Alert(summary=text.replace(THEIRS, OURS), site=OURS, advice="see websites/x")
    check_answer(caller, method, ours)
    with pytest.raises(NotFound):
        check_answer(caller, method, alert_pb2.Alert(summary=text, site=OURS))
