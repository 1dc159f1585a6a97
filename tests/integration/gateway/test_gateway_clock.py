"""A gateway whose clock is off: leases last as long as control meant, whatever its clock shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.gateway_control import State
from tests.fakes.gateway_world import BATTERY, GatewayWorld, gateway_world
from wattmesh_contracts.values import datetime_from_proto

LEASE = timedelta(seconds=100)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("ahead_s", [300, -300])
async def test_a_lease_is_written_as_long_as_it_is_though_the_clocks_differ(
    world: GatewayWorld, ahead_s: int
) -> None:
    world.gateway.put_clock(timedelta(seconds=ahead_s))
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    now = datetime.now(UTC)
    world.control.dispatch("commands/c1", BATTERY, 1234.0, now + LEASE, 1, lease=LEASE)
    await world.control.wait_for("commands/c1", State.COMMAND_STATE_VERIFIED)
    assert 60 < world.battery.get((704, "WSetRvrtTms")) <= 100


async def test_a_lease_that_lay_about_is_not_begun_anew(world: GatewayWorld) -> None:
    world.gateway.put_clock(timedelta(seconds=300))
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    world.control.ask_clock(datetime.now(UTC))
    told = await world.control.clock_told()
    ahead = datetime_from_proto(told.receive_time) - datetime_from_proto(told.request_time)
    assert timedelta(seconds=299) < ahead < timedelta(seconds=330)
    sent = datetime.now(UTC) - 2 * LEASE  # as if the gateway had been stopped meanwhile
    world.control.dispatch("commands/c1", BATTERY, 1234.0, sent + LEASE, 1, lease=LEASE)
    await world.control.wait_for("commands/c1", State.COMMAND_STATE_EXPIRED)
    assert world.battery.get((704, "WSetEna")) == 0
