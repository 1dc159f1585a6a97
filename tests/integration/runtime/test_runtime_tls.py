"""TLS between a server and a channel: who is let in, and certificates replaced meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from pydantic import ValidationError

from tests.fakes.eventually import eventually
from tests.fakes.identities import Identities, settings_of
from wattmesh.status.v1 import status_pb2, status_pb2_grpc
from wattmesh_kernel.errors import FailedPrecondition, Unavailable
from wattmesh_local.identities.authority import CERTIFICATE, KEY, Subject
from wattmesh_runtime import dialling
from wattmesh_runtime.access import files
from wattmesh_runtime.aio.tasks import race
from wattmesh_runtime.errors import rpc_errors
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.testing import channel_for_test, serve_for_test

VIEWER = "spiffe://mesh/roles/viewer/alice"
PLAIN = ServiceSettings(shutdown_notice_seconds=0, grace_seconds=0.2)


@pytest.fixture
def ours(tmp_path: Path) -> Identities:
    return Identities(tmp_path / "ours")


@pytest.fixture
def strangers(tmp_path: Path) -> Identities:
    return Identities(tmp_path / "strangers")


async def ask(channel: grpc.aio.Channel) -> str:
    stub: Any = status_pb2_grpc.StatusServiceStub(channel)
    answer = await stub.GetStatus(status_pb2.GetStatusRequest(), wait_for_ready=False, timeout=5)
    return str(answer.service)


async def call(server: ServiceSettings, client: ServiceSettings) -> str:
    async with (
        serve_for_test(settings=server) as target,
        channel_for_test(target, client) as channel,
    ):
        return await ask(channel)


async def refusal(server: ServiceSettings, client: ServiceSettings) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(server, client)
    return caught.value.code()


async def test_those_of_one_authority_talk(ours: Identities) -> None:
    assert await call(ours.server(), ours.of(VIEWER)) == "test"


async def test_a_server_says_when_the_certificate_holds_that_it_shows(ours: Identities) -> None:
    async with (
        serve_for_test(settings=ours.server()) as target,
        channel_for_test(target, ours.of(VIEWER)) as channel,
    ):
        stub: Any = status_pb2_grpc.StatusServiceStub(channel)
        answer = await stub.GetStatus(status_pb2.GetStatusRequest(), timeout=5)
    held = answer.certificate_range
    assert held.start_time.ToDatetime(UTC) < datetime.now(UTC) < held.end_time.ToDatetime(UTC)
    assert held.end_time.seconds - held.start_time.seconds <= 2 * 3600, "issued for an hour"
    async with serve_for_test(settings=PLAIN) as target, channel_for_test(target) as channel:
        stub = status_pb2_grpc.StatusServiceStub(channel)
        answer = await stub.GetStatus(status_pb2.GetStatusRequest(), timeout=5)
    assert not answer.HasField("certificate_range")


async def test_a_caller_without_a_certificate_is_refused(ours: Identities) -> None:
    client = ServiceSettings(tls_ca_file=ours.folder / "ca.crt")
    assert await refusal(ours.server(), client) is grpc.StatusCode.UNAVAILABLE


async def test_a_stranger_is_refused_on_either_side(
    ours: Identities, strangers: Identities
) -> None:
    """Of another authority with the same names: neither as a caller nor as a server."""
    caller = strangers.of(VIEWER).model_copy(update={"tls_ca_file": ours.folder / "ca.crt"})
    assert await refusal(ours.server(), caller) is grpc.StatusCode.UNAVAILABLE
    assert await refusal(strangers.server(), ours.of(VIEWER)) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("names", [("planner", "10.0.0.9"), ()], ids=["another's", "a person's"])
async def test_a_server_with_a_certificate_of_the_same_authority_and_another_name_is_refused(
    ours: Identities, names: tuple[str, ...]
) -> None:
    """Who takes over an address cannot pose as metering with what planner, or a person, holds."""
    folder = ours.issue("spiffe://mesh/ns/wattmesh/sa/planner", serves=True)
    subject = Subject(uri="spiffe://mesh/ns/wattmesh/sa/planner", names=names)
    ours.authority.write(folder, subject, timedelta(hours=1))
    assert await refusal(settings_of(folder), ours.of(VIEWER)) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("ago", [timedelta(hours=2), timedelta(hours=-2)], ids=["over", "to come"])
async def test_a_certificate_that_is_not_valid_now_is_refused(
    ours: Identities, ago: timedelta
) -> None:
    """Whoever starts with it is told; whoever shows it, by other means, is not let in."""
    folder = ours.issue(VIEWER, ago=ago)
    with pytest.raises(FailedPrecondition, match="not now"):
        await call(settings_of(folder), ours.of("spiffe://mesh/roles/viewer/bob"))
    credentials = grpc.ssl_channel_credentials(
        ours.authority.roots, (folder / KEY).read_bytes(), (folder / CERTIFICATE).read_bytes()
    )
    async with (
        serve_for_test(settings=ours.server()) as target,
        grpc.aio.secure_channel(target, credentials) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_plaintext_caller_is_refused(ours: Identities) -> None:
    assert await refusal(ours.server(), PLAIN) is grpc.StatusCode.UNAVAILABLE


async def test_half_of_tls_does_not_start(ours: Identities) -> None:
    folder, other = ours.issue(VIEWER, serves=True), ours.issue("spiffe://mesh/roles/viewer/bob")
    with pytest.raises(ValidationError, match="belong together"):
        ServiceSettings(tls_certificate_file=folder / CERTIFICATE)
    halves = (
        ServiceSettings(tls_ca_file=ours.folder / "ca.crt"),
        settings_of(folder).model_copy(update={"tls_key_file": other / KEY}),
        settings_of(folder).model_copy(update={"tls_key_file": folder / "gone"}),
        settings_of(folder).model_copy(update={"tls_ca_file": folder / KEY}),
    )
    for half in halves:
        with pytest.raises(FailedPrecondition) as caught:
            await call(half, ours.of(VIEWER))
        assert caught.value.reason == "CERTIFICATES_UNUSABLE"


def replace(settings: ServiceSettings, fresh: Path) -> None:
    """Put other certificates in the place of those that settings name."""
    assert settings.tls_certificate_file is not None
    for file in fresh.iterdir():
        replaced = settings.tls_certificate_file.with_name(file.name)
        unfinished = replaced.with_suffix(".new")
        unfinished.write_bytes(file.read_bytes())
        unfinished.replace(replaced)


async def test_certificates_are_replaced_while_both_sides_run(
    ours: Identities, strangers: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both get certificates of another authority, and talk on; who has the old one is shut out."""
    monkeypatch.setattr(files, "LOOK_SECONDS", 0.0)
    server, client, left = ours.server(), ours.of(VIEWER), ours.of("spiffe://mesh/roles/viewer/bob")
    async with (
        serve_for_test(settings=server) as target,
        channel_for_test(target, client) as channel,
    ):
        assert await ask(channel) == "test"
        replace(server, strangers.issue("spiffe://mesh/ns/wattmesh/sa/metering", serves=True))
        replace(client, strangers.issue(VIEWER))

        async def talks() -> bool:
            try:
                return await ask(channel) == "test"
            except grpc.aio.AioRpcError:
                return False

        await eventually(talks)
        async with channel_for_test(target, left) as stale:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(stale)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def alone(call: Any) -> object:
    return await call.read()


async def beside_others(call: Any) -> object:
    return await race(call.read(), asyncio.sleep(60))


@pytest.mark.parametrize("read", [alone, beside_others])
async def test_a_long_stream_is_told_that_its_connection_was_left(
    read: Callable[[Any], Awaitable[object]],
    ours: Identities,
    strangers: Identities,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would take itself for cancelled: whoever holds a line to another then ends, unasked."""
    monkeypatch.setattr(files, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(dialling, "LEAVE_SECONDS", 0.2)
    client = ours.of(VIEWER)
    async with (
        serve_for_test(settings=ours.server()) as target,
        channel_for_test(target, client) as channel,
    ):
        health: Any = HealthStub(channel)
        watch = health.Watch(HealthCheckRequest())
        assert (await watch.read()).status == HealthCheckResponse.SERVING
        replace(client, strangers.issue(VIEWER))
        with suppress(grpc.aio.AioRpcError):
            await ask(channel)  # by a new connection, which the server refuses
        with pytest.raises(Unavailable, match="CHANNEL_CLOSED"), rpc_errors():
            await asyncio.wait_for(read(watch), 10)


async def test_who_is_cancelled_while_he_calls_is_told_that_he_is(ours: Identities) -> None:
    async with (
        serve_for_test(settings=ours.server()) as target,
        channel_for_test(target, ours.of(VIEWER)) as channel,
    ):
        health: Any = HealthStub(channel)
        watch = aiter(health.Watch(HealthCheckRequest()))
        await anext(watch)
        with pytest.raises(TimeoutError), rpc_errors():
            async with asyncio.timeout(0.05):
                await anext(watch)


async def test_a_target_is_called_in_plaintext_only_when_it_is_named(ours: Identities) -> None:
    async with serve_for_test(settings=PLAIN) as target:
        for named, code in ((target, None), ("other:1", grpc.StatusCode.UNAVAILABLE)):
            client = ours.of(VIEWER, plaintext_targets=named)
            async with channel_for_test(target, client) as channel:
                if code is None:
                    assert await ask(channel) == "test"
                    continue
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await ask(channel)
                assert caught.value.code() is code


async def test_several_servers_of_this_machine_share_the_calls(ours: Identities) -> None:
    """A list of addresses is no name that a certificate could hold."""
    async with (
        serve_for_test(settings=ours.server()) as one,
        serve_for_test(settings=ours.server()) as two,
        channel_for_test(f"ipv4:{one},{two}", ours.of(VIEWER)) as channel,
    ):
        assert [await ask(channel) for _ in range(4)] == ["test"] * 4
