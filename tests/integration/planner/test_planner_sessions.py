"""The planner asks the real usage service who is at the charge points."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes.usage_world import ASSET, CAR, HOUR, NOW, UsageWorld, usage_world, vehicle
from wattmesh.usage.v1 import charging_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_planner.adapters.usage import GrpcSessions
from wattmesh_planner.adapters.usage_changes import GrpcUsageChanges
from wattmesh_planner.domain.charging import Urgency

OFFICE = SiteId("office")
CHARGER = AssetId.parse(ASSET)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[UsageWorld]:
    async with usage_world(database_url) as world:
        yield world


def asking(world: UsageWorld) -> GrpcSessions:
    return GrpcSessions(world.channel, world.clock, deadline_seconds=20.0)


async def test_a_session_comes_with_its_need_its_vehicle_and_what_is_expected(
    world: UsageWorld,
) -> None:
    await world.call(
        "CreateVehicle", vehicle(tokens=["04AB"], capacity_wh=50_000.0, max_current_a=10.0)
    )
    await world.need(vehicle=CAR, soc_ratio=0.8, urgency=charging_pb2.CHARGING_URGENCY_SOON)
    told = timestamp_to_proto(NOW)
    await world.report(
        token="04AB",
        soc_ratio=0.4,
        soc_measure_time=told,
        charged_energy_wh=3_000.0,
        discharged_energy_wh=500.0,
    )

    found = await asking(world).sessions(OFFICE)

    session = found[CHARGER]
    assert session.charged_energy_wh == 2_500.0
    assert (session.soc_ratio, session.capacity_wh) == (0.4, 50_000.0)
    assert session.max_current_a == 10.0  # what the car draws, of what the charge point has
    assert session.need is not None
    assert session.need.soc_ratio == 0.8
    assert session.need.urgency is Urgency.SOON
    assert session.need.departure_time == NOW + 8 * HOUR
    assert session.expectation is not None
    assert session.expectation.departures[0].ratio < session.expectation.departures[-1].ratio


async def test_who_has_left_is_not_there_and_who_is_full_takes_nothing(world: UsageWorld) -> None:
    await world.report(departure=1.0, at=1.0)
    assert await asking(world).sessions(OFFICE) == {}

    full = charging_pb2.ChargingSession(
        name=f"{ASSET}/charging-sessions/s2",
        state=charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_VEHICLE,
        arrival_time=timestamp_to_proto(NOW + HOUR),
        measure_time=timestamp_to_proto(NOW + 2 * HOUR),
    )
    await world.send(full)
    world.clock.advance(2 * HOUR)

    found = await asking(world).sessions(OFFICE)
    assert not found[CHARGER].takes
    assert found[CHARGER].need is None


async def test_news_are_of_who_comes_and_of_what_is_wanted_anew(world: UsageWorld) -> None:
    news = GrpcUsageChanges(world.channel).sites()
    told = asyncio.ensure_future(anext(news))
    await world.report()
    assert await asyncio.wait_for(told, 20) == OFFICE

    told = asyncio.ensure_future(anext(news))
    await world.report(at=0.5, charged_energy_wh=500.0)  # it goes on: no news
    await world.need(energy_wh=5_000.0)
    assert await asyncio.wait_for(told, 20) == OFFICE
    told = asyncio.ensure_future(anext(news))
    await world.report(departure=1.0, at=1.0)
    done, _ = await asyncio.wait([told], timeout=1.5)
    assert not done, "who leaves asks for nothing"
    told.cancel()
