"""Channels to names: gRPC alone leaves a name that had no address alone for up to two minutes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import pytest

from tests.fakes.dns_server import DnsServer, dns_server
from tests.fakes.eventually import eventually
from tests.fakes.probe_service import ProbeService, ProbeStub, text
from wattmesh_runtime.channels import MeshChannel
from wattmesh_runtime.dialling import Dialled
from wattmesh_runtime.outgoing import OutgoingCalls
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import serve_for_test

MORE_THAN_GRPC_ASKS = 8
"""Look-ups that a channel of its own accord spreads over 43 s."""


@asynccontextmanager
async def channel_to(target: str) -> AsyncIterator[MeshChannel]:
    dialled = Dialled(target, None, failing_seconds=0.2)
    async with MeshChannel(dialled, OutgoingCalls(Telemetry("test"))) as channel:
        yield channel


async def answers(stub: ProbeStub) -> bool:
    with suppress(grpc.aio.AioRpcError):
        await stub.Unary(text("x"), timeout=0.5)
        return True
    return False


@pytest.fixture
async def names() -> AsyncIterator[DnsServer]:
    async with dns_server() as server:
        yield server


async def test_a_name_that_had_no_address_for_long_is_called_soon_after_it_has_one(
    names: DnsServer,
) -> None:
    async with serve_for_test(ProbeService().register) as served:
        port = served.rpartition(":")[2]
        target = f"dns://127.0.0.1:{names.port}/peer.mesh:{port}"
        async with channel_to(target) as channel:
            stub = ProbeStub(channel)

            async def asked_often() -> bool:
                assert not await answers(stub)
                return names.look_ups >= MORE_THAN_GRPC_ASKS

            await eventually(asked_often, 30)
            names.address = "127.0.0.1"
            await eventually(lambda: answers(stub), 30)


async def test_a_channel_that_has_its_server_is_not_dialled_anew(names: DnsServer) -> None:
    names.address = "127.0.0.1"
    async with serve_for_test(ProbeService().register) as served:
        port = served.rpartition(":")[2]
        async with channel_to(f"dns://127.0.0.1:{names.port}/peer.mesh:{port}") as channel:
            stub = ProbeStub(channel)
            await eventually(lambda: answers(stub), 30)
            first = channel.plain
            for _ in range(3):
                await eventually(lambda: answers(stub), 30)
            assert channel.plain is first


async def test_addresses_are_not_looked_up_and_never_dialled_anew() -> None:
    async with channel_to("127.0.0.1:1") as channel:
        first = channel.plain
        stub = ProbeStub(channel)
        for _ in range(3):
            assert not await answers(stub)
        assert channel.plain is first
