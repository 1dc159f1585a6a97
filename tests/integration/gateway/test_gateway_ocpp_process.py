"""The gateway as a process with a charge point: what it said survives kills of the gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from websockets.exceptions import WebSocketException

from tests.fakes.charge_point import (
    FakeChargePoint,
    FakeStation,
    dialled_in,
    station_dialled_in,
)
from tests.fakes.eventually import eventually
from tests.fakes.gateway_control import State
from tests.fakes.gateway_world import GatewayWorld, gateway_world
from wattmesh.usage.v1 import charging_pb2
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import Device, OcppConnection

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHARGER = "sites/home-1/devices/charger"
POINTS = ("import_energy_wh", "session_energy_wh", "plugged_in_ratio")
NEWER = "sites/home-1/devices/newer"
VALUES = 30
P = TypeVar("P")

Said = Callable[[FakeChargePoint], Awaitable[object]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path) as made:
        yield made


def charger(world: GatewayWorld) -> Device:
    battery, _ = world.devices()
    return replace(
        battery,
        id=DeviceId.parse(CHARGER),
        profile="ocpp-charge-point",
        connection=OcppConnection(charge_point_id="cp-1"),
        points=frozenset(POINTS),
        functions=(replace(battery.functions[0], asset=AssetId(SiteId("home-1"), "car")),),
    )


async def say_all(
    dial: Callable[[], AbstractAsyncContextManager[P]],
    messages: list[Callable[[P], Awaitable[object]]],
    said: list[object],
) -> None:
    """Say one message after the other, each again until it was answered, as charge points do."""
    while messages:
        try:
            async with dial() as point:
                while messages:
                    said.append(await messages[0](point))
                    messages.pop(0)
        except (WebSocketException, OSError, TimeoutError):
            continue


def metered(minute: int) -> Said:
    value = {"value": str(5000 + 10 * minute)}
    return lambda point: point.meter_values(NOON + minute * MINUTE, value, transaction=1)


def told_by_station(minute: int) -> Callable[[FakeStation], Awaitable[object]]:
    type_ = "Updated" if minute else "Started"
    moment, register = NOON + minute * MINUTE, 5000 + 10 * minute
    return lambda station: station.event(type_, moment, "t-1", register, charging_state="Charging")


@pytest.mark.time_limit(120)
async def test_a_gateway_killed_in_sessions_loses_no_meter_value_and_no_transaction(
    world: GatewayWorld,
) -> None:
    """Of a charge point of 1.6 and of one of 2.0.1; wallboxes: test_gateway_wallboxes.py."""
    newer = replace(
        charger(world),
        id=DeviceId.parse(NEWER),
        connection=OcppConnection(charge_point_id="cp-2"),
        functions=(replace(charger(world).functions[0], asset=AssetId(SiteId("home-1"), "van")),),
    )
    world.sites.change(charger(world), newer)
    await world.gateway.start()
    await eventually(lambda: "serving on" in world.gateway.log, 60)
    begin: Said = lambda point: point.start_transaction("tag-1", 5000, NOON)  # noqa: E731
    said: list[object] = []
    said_by_station: list[object] = []
    port = world.ocpp_port
    saying = asyncio.gather(
        say_all(
            lambda: dialled_in(port, "cp-1"),
            [begin, *(metered(minute) for minute in range(1, VALUES)), begin],
            said,
        ),
        say_all(
            lambda: station_dialled_in(port, "cp-2"),
            [told_by_station(minute) for minute in range(VALUES)],
            said_by_station,
        ),
    )
    for answered in (1, 15):
        await eventually(
            lambda answered=answered: min(len(said), len(said_by_station)) >= answered,  # type: ignore[misc]
            60,
        )
        await world.gateway.kill()
        await world.gateway.start()
    await saying
    assert said[0] == said[-1]

    def stored(device: str) -> list[float]:
        point = f"{device}/points/import_energy_wh"
        found = sorted(world.metering.stored.items())
        return [value for (name, _), value in found if name == point]

    registers = [5000.0 + 10 * minute for minute in range(VALUES)]
    for device in (CHARGER, NEWER):
        await eventually(lambda device=device: len(stored(device)) == VALUES, 30)  # type: ignore[misc]
        assert stored(device) == registers

    def charged() -> list[float]:
        return [each.charged_energy_wh for each in world.usage.sessions.values()]

    await eventually(lambda: charged() == [10.0 * (VALUES - 1)] * 2, 30)


@pytest.mark.time_limit(120)
async def test_a_leased_setpoint_is_verified_at_a_charge_point_and_a_withdrawn_one_released(
    world: GatewayWorld,
) -> None:
    world.sites.change(charger(world))
    await world.gateway.start()
    await eventually(lambda: "serving on" in world.gateway.log, 60)
    async with dialled_in(world.ocpp_port, "cp-1") as point:
        await point.boot()
        await world.control.wait_for_device(CHARGER, online=True)
        lease_end = datetime.now(UTC) + timedelta(hours=1)
        world.control.dispatch("commands/c1", CHARGER, 11_040.0, lease_end, 1)
        await world.control.wait_for("commands/c1", State.COMMAND_STATE_VERIFIED)
        assert point.profiles.limit() == 16.0
        assert point.profiles.limit(lease_end + timedelta(seconds=1)) == 6.0
        world.control.cancel("commands/c1", CHARGER)
        await world.control.wait_for("commands/c1", State.COMMAND_STATE_CANCELLED)
        assert point.profiles.limit() == 6.0


@pytest.mark.time_limit(120)
async def test_a_session_is_reported_once_whoever_keeps_them_is_back(world: GatewayWorld) -> None:
    world.usage.away = True
    world.sites.change(charger(world))
    await world.gateway.start()
    await eventually(lambda: "serving on" in world.gateway.log, 60)
    async with dialled_in(world.ocpp_port, "cp-1") as point:
        await point.status("Preparing", NOON)
        await point.start_transaction("tag-1", 5000, NOON + MINUTE)
        await point.status("Available", NOON + 2 * MINUTE)
    await eventually(lambda: "charging sessions lost" in world.gateway.log, 20)
    world.usage.away = False
    await eventually(lambda: bool(world.usage.sessions), 20)
    (session,) = world.usage.sessions.values()
    assert session.name == "sites/home-1/assets/car/charging-sessions/20260601t120000z"
    assert (session.device, session.token) == (CHARGER, "tag-1")
    assert session.state == charging_pb2.CHARGING_SESSION_STATE_ENDED
    assert world.usage.reports == 1
