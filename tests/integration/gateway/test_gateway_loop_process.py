"""A loop in a real gateway: meter on MQTT, battery on Modbus, control away, a kill in between."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.gateway_world import BATTERY, METER, GatewayWorld, gateway_world, until
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.loop_policy import LoopMember, LoopMeter, LoopPolicy, LoopPolicySet, NetPower
from wattmesh_kernel.setpoints import SetpointKind

FOLLOW = LoopPolicy(
    site=SiteId("home-1"),
    lease=timedelta(hours=1),
    meters=(LoopMeter(device=DeviceId.parse(METER)),),
    members=(
        LoopMember(
            device=DeviceId.parse(BATTERY),
            kind=SetpointKind.ACTIVE_POWER_W,
            min_value=-4000.0,
            max_value=5000.0,
        ),
    ),
    target=NetPower(power_w=0.0),
    stale_after=timedelta(minutes=5),
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path) as made:
        yield made


def told_w(world: GatewayWorld) -> float:
    """Return what the battery was told [W], charging positive; 0 when nothing."""
    raw = world.battery.get((704, "WSet"))
    signed = raw - (1 << 32) if raw >= 1 << 31 else raw
    return float(-signed) if world.battery.get((704, "WSetEna")) == 1 else 0.0


async def say(world: GatewayWorld, power_w: float) -> None:
    telegram = {"measure_time": datetime.now(UTC).isoformat(), "active_power_w": power_w}
    await world.publish(json.dumps(telegram).encode())


def steer(world: GatewayWorld, *policies: LoopPolicy) -> datetime:
    issued = datetime.now(UTC)
    world.control.steer(LoopPolicySet(issue_time=issued, policies=policies))
    return issued


@pytest.mark.time_limit(120)
async def test_a_loop_goes_on_without_control_and_over_a_kill_until_it_is_withdrawn(
    world: GatewayWorld,
) -> None:
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    issued = steer(world, FOLLOW)
    await world.control.wait_for_taken(issued)
    await world.control.wait_for_loop_event("STARTED")
    await say(world, 1500.0)
    await until(lambda: told_w(world) == -1500.0)
    assert 0 < world.battery.get((704, "WSetRvrtTms")) <= 60
    await world.control_server.stop()
    await world.gateway.kill()
    await world.gateway.start()
    await until(lambda: "serving on" in world.gateway.log, 40)
    await say(world, -1000.0)
    await until(lambda: told_w(world) > -1500.0)
    await world.control_server.start()
    await world.control.connected()
    steer(world)
    await until(lambda: told_w(world) == 0.0)
    await world.control.wait_for_loop_event("ENDED")


async def test_a_polled_meter_is_asked_by_the_loop_itself(world: GatewayWorld) -> None:
    """The battery's own measurement stands for a meter that answers on Modbus: 1.5 kW out."""
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    asked = LoopMeter(device=DeviceId.parse(BATTERY), sample_interval=timedelta(seconds=0.2))
    steer(world, replace(FOLLOW, meters=(asked,), settling=timedelta(minutes=5)))
    await until(lambda: told_w(world) == 1500.0)
