"""Health on a port of its own: a kubelet asks it, and nobody gets anything else there."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError

from tests.fakes.probe_service import ProbeService, ProbeStub, text
from wattmesh_local.running.ports import free_targets
from wattmesh_runtime.probe import main, probe
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.testing import channel_for_test, serve_for_test


def settings(health: str) -> ServiceSettings:
    return ServiceSettings(health_address=health, shutdown_notice_seconds=0, grace_seconds=0.2)


async def test_a_kubelet_asks_without_a_certificate_and_gets_health_alone() -> None:
    (address,) = free_targets(1)
    async with (
        serve_for_test(ProbeService().register, settings=settings(address)),
        channel_for_test(address) as channel,
    ):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        alive = await stub.Check(health_pb2.HealthCheckRequest(service="liveness"))
        assert alive.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ProbeStub(channel).Unary(text("1"), wait_for_ready=False)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_probe_says_whether_a_process_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    (address, nobody) = free_targets(2)
    monkeypatch.setenv("WATTMESH_HEALTH_ADDRESS", address.replace("127.0.0.1", "0.0.0.0"))
    async with serve_for_test(ProbeService().register, settings=settings(address)):
        assert await asyncio.to_thread(main, []) is None
        assert await asyncio.to_thread(probe, address, "unheard.of") == "NOT_FOUND"
    assert await asyncio.to_thread(probe, nobody, "") == "UNAVAILABLE"


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "mesh.example:1"])
def test_nothing_is_served_in_plaintext_where_others_reach_it(address: str) -> None:
    with pytest.raises(ValidationError, match="reached by others"):
        ServiceSettings(listen_address=address)
    assert ServiceSettings(listen_address=address, allow_plaintext=True).allow_plaintext


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "localhost:0"])
def test_this_machine_alone_is_served_in_plaintext(address: str) -> None:
    assert ServiceSettings(listen_address=address).listen_address == address
