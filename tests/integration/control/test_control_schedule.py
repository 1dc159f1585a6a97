"""From a schedule to verified commands, over real gRPC and PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tests.fakes.control_metering import ControlMetering
from tests.fakes.control_process import HOUR, ControlWorld, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[ControlWorld]:
    async with running_control(database_url, ManualClock(T0), ControlMetering()) as world:
        yield world


async def test_each_setpoint_becomes_a_verified_command_at_its_start(world: ControlWorld) -> None:
    async with world.gateway() as gateway:
        response = await world.submit(T0 + HOUR, [1000.0, -2000.0])
        assert response.accepted == 2
        assert not response.outcomes
        assert await world.commands() == []
        world.clock.set(T0 + HOUR)
        await gateway.dispatched(1)
        first = await world.command_in(pb.COMMAND_STATE_VERIFIED)
        assert (first.value, first.source, first.dispatch_count) == (1000.0, "plans/p1", 1)
        assert first.range.start_time.ToDatetime(UTC) == T0 + HOUR
        assert first.lease_expire_time.ToDatetime(UTC) == T0 + 2.25 * HOUR
        world.clock.set(T0 + 2 * HOUR)
        await gateway.dispatched(2)
        second = await world.command_in(pb.COMMAND_STATE_VERIFIED)
        assert second.value == -2000.0
        assert gateway.dispatches[1].sequence > gateway.dispatches[0].sequence
    counts = await world.statistics()
    assert (counts.issued, counts.applied, counts.verified, counts.failed) == (2, 2, 2, 0)
