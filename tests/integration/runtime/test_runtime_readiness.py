"""Alive, ready and degraded: what a process says of itself when what it depends on goes away."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.fakes.probe_service import NAME, ProbeStub, text
from tests.fakes.running_probe import ProbeProcess, serving
from tests.fakes.stoppable_postgres import kill_server, standing_still
from wattmesh.status.v1 import status_pb2, status_pb2_grpc
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_runtime.testing import channel_for_test

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
READY, DEGRADED = status_pb2.STATE_READY, status_pb2.STATE_DEGRADED
NOT_READY = status_pb2.STATE_NOT_READY


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test alone."""
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        yield server


@asynccontextmanager
async def asked(**settings: str) -> AsyncIterator[tuple[ProbeProcess, grpc.aio.Channel]]:
    async with serving(**settings) as probe, channel_for_test(probe.target) as channel:
        yield probe, channel


async def health(channel: Any, name: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=name))).status)


async def status(channel: grpc.aio.Channel) -> status_pb2.GetStatusResponse:
    answer: status_pb2.GetStatusResponse = await status_pb2_grpc.StatusServiceStub(
        channel
    ).GetStatus(status_pb2.GetStatusRequest())
    return answer


async def until(
    channel: grpc.aio.Channel, state: "status_pb2.State.ValueType", seconds: float
) -> status_pb2.GetStatusResponse:
    deadline = time.monotonic() + seconds
    while (answer := await status(channel)).state != state:
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.05)
    return answer


async def test_with_the_database_killed_health_is_not_serving_and_says_why_until_it_is_back(
    server: EmbeddedPostgres,
) -> None:
    async with asked(database_url=server.url()) as (probe, channel):
        await until(channel, READY, 5)
        assert await health(channel) == await health(channel, NAME) == SERVING

        kill_server(server)
        await until(channel, NOT_READY, 6)
        await asyncio.sleep(1)  # the leases may have seen it first
        lost = await status(channel)

        assert await health(channel) == await health(channel, NAME) == NOT_SERVING
        assert await health(channel, "liveness") == SERVING
        assert "database: the database is away: " in lost.message
        away = {each.dependency: each for each in lost.dependencies}["database"]
        assert away.required
        assert away.state == status_pb2.DEPENDENCY_STATE_AWAY
        assert away.since_time.seconds >= lost.start_time.seconds

        server.start()
        await until(channel, READY, 20)

        assert await health(channel) == SERVING
        probe.process.terminate()
        assert await probe.end() == 0
        assert probe.log.count("readiness lost") == probe.log.count("readiness is back") == 1


async def test_a_database_that_hangs_is_noticed_as_one_that_is_gone(
    server: EmbeddedPostgres,
) -> None:
    async with asked(database_url=server.url()) as (_, channel):
        await until(channel, READY, 5)
        assert server.pid is not None
        with standing_still(server.pid):
            lost = await until(channel, NOT_READY, 8)
            assert await health(channel, "liveness") == SERVING
        assert "database" in lost.message
        await until(channel, READY, 20)


async def test_a_pool_in_full_use_is_not_taken_for_a_database_that_is_away(
    server: EmbeddedPostgres,
) -> None:
    async with asked(database_url=server.url()) as (_, channel):
        await until(channel, READY, 5)
        stub = ProbeStub(channel)
        held = [asyncio.ensure_future(stub.Unary(text("hold"), timeout=30)) for _ in range(4)]
        watched = time.monotonic() + 4
        while time.monotonic() < watched:
            assert await health(channel) == SERVING
            await asyncio.sleep(0.1)
        for each in held:
            each.cancel()


async def test_readiness_follows_a_peer_that_is_required_and_degradation_one_that_helps() -> None:
    async with serving() as peer, serving() as helper:
        settings = {"peer_target": peer.target, "helper_target": helper.target}
        async with asked(**settings) as (_, channel):
            await until(channel, READY, 5)

            helper.process.kill()
            degraded = await until(channel, DEGRADED, 6)
            assert await health(channel) == SERVING
            (lacking,) = degraded.degradations
            assert lacking.dependency == "helper"
            assert lacking.message == "nobody helps (helper does not answer)"

            peer.process.kill()
            lost = await until(channel, NOT_READY, 6)
            assert lost.message == "peer: peer does not answer"

            async with serving(listen_address=peer.target):
                await until(channel, DEGRADED, 6)


async def test_a_peer_that_is_not_ready_is_not_there(server: EmbeddedPostgres) -> None:
    async with serving(database_url=server.url()) as peer:
        async with asked(peer_target=peer.target) as (_, channel):
            await until(channel, READY, 8)
            kill_server(server)
            lost = await until(channel, NOT_READY, 10)
        assert lost.message == "peer: peer is not ready"
