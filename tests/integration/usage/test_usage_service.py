from collections.abc import AsyncIterator
from datetime import UTC

import pytest

from tests.fakes.usage_world import (
    ASSET,
    CAR,
    HOUR,
    NOW,
    SESSION,
    UsageWorld,
    need,
    usage_world,
    vehicle,
)
from wattmesh.usage.v1 import charging_pb2
from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_usage.app.charging import ExpireNeeds


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[UsageWorld]:
    async with usage_world(database_url) as world:
        yield world


async def test_a_session_that_nobody_asked_anything_for_has_an_expectation(
    world: UsageWorld,
) -> None:
    stored = await world.report()

    times = [each.departure_time.ToSeconds() for each in stored.expectation.departure_quantiles]
    assert times == sorted(times)
    assert stored.expectation.required_energy_wh > 0
    assert stored.expectation.reason == "what is usual"
    assert not stored.charging_need


async def test_what_is_expected_is_learned_from_sessions_that_ended(world: UsageWorld) -> None:
    for number in range(6):
        begin = -24.0 * (number + 1)
        name = f"{ASSET}/charging-sessions/old-{number}"
        known = {"vehicle": CAR, "charged_energy_wh": 5_000.0 + number}
        await world.report(name, arrival=begin, at=begin + 2, departure=begin + 2, **known)

    stored = await world.report(vehicle=CAR)

    assert stored.expectation.reason == "6 sessions of the vehicle"
    assert 5_000 < stored.expectation.required_energy_wh < 5_010
    (median,) = [q for q in stored.expectation.departure_quantiles if q.ratio == 0.5]
    assert median.departure_time.ToDatetime(UTC) < NOW + 3 * HOUR


async def test_a_need_finds_the_session_that_is_there_and_is_met_by_its_energy(
    world: UsageWorld,
) -> None:
    await world.report()
    asked = await world.need()
    assert asked.state == charging_pb2.CHARGING_NEED_STATE_ACTIVE
    assert (await world.known_session()).charging_need == asked.name

    await world.report(at=1.0, charged_energy_wh=4_000.0)
    assert (await world.known_need()).state == charging_pb2.CHARGING_NEED_STATE_ACTIVE
    await world.report(at=2.0, charged_energy_wh=9_990.0)
    assert (await world.known_need()).state == charging_pb2.CHARGING_NEED_STATE_MET


async def test_a_session_finds_the_need_that_was_there_before_by_the_token_of_its_vehicle(
    world: UsageWorld,
) -> None:
    await world.call("CreateVehicle", vehicle(tokens=["04AB"]))
    await world.need("any", until=3.0, vehicle=CAR, asset="sites/office/assets/-")
    await world.need("other", until=2.0, vehicle="vehicles/another")

    stored = await world.report(token="04AB")

    assert stored.vehicle == CAR
    assert stored.charging_need.endswith("/charging-needs/any")


async def test_who_leaves_before_misses_the_need_and_the_need_never_changes_again(
    world: UsageWorld,
) -> None:
    await world.need()
    await world.report(charged_energy_wh=1_000.0)
    await world.report(at=1.0, departure=1.0)

    missed = await world.known_need()
    assert missed.state == charging_pb2.CHARGING_NEED_STATE_MISSED
    assert missed.message == "the vehicle left before"
    with pytest.raises(FailedPrecondition, match="NEED_IS_FINAL"):
        await world.call(
            "UpdateChargingNeed", pb.UpdateChargingNeedRequest(charging_need=need("n1", until=9.0))
        )


async def test_a_need_whose_vehicle_never_came_ends_with_its_time(world: UsageWorld) -> None:
    await world.need(until=1.0)
    world.clock.advance(2 * HOUR)

    await ExpireNeeds(world.records, world.clock)()

    assert (await world.known_need()).message == "the vehicle did not come"


async def test_a_need_that_is_withdrawn_leaves_its_session_to_what_is_expected(
    world: UsageWorld,
) -> None:
    asked = await world.need()
    await world.report()
    await world.call("DeleteChargingNeed", pb.DeleteChargingNeedRequest(name=asked.name))

    assert (await world.known_need()).state == charging_pb2.CHARGING_NEED_STATE_CANCELLED
    assert not (await world.known_session()).charging_need


async def test_a_late_report_changes_nothing_and_one_after_the_end_neither(
    world: UsageWorld,
) -> None:
    await world.report(at=1.0, charged_energy_wh=3_000.0)
    late = await world.report(at=0.5, charged_energy_wh=1_000.0)
    assert late.charged_energy_wh == 3_000.0

    await world.report(at=2.0, departure=2.0)
    after = await world.report(at=3.0, charged_energy_wh=9_000.0)
    assert after.charged_energy_wh == 3_000.0
    assert after.state == charging_pb2.CHARGING_SESSION_STATE_ENDED


async def test_a_vehicle_that_took_no_more_is_known_to_until_it_takes_some(
    world: UsageWorld,
) -> None:
    """A charge point that offers nothing says that it holds back one that is full."""
    stopped = charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_VEHICLE
    held_back = charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_CHARGER

    assert not (await world.report(charged_energy_wh=5_000.0)).HasField("sated_energy_wh")
    full = await world.report(at=0.1, charged_energy_wh=6_000.0, state=stopped)
    assert full.sated_energy_wh == 6_000.0
    for at in (0.2, 0.3):
        kept = await world.report(at=at, charged_energy_wh=6_010.0, state=held_back)
        assert kept.sated_energy_wh == 6_000.0
    again = await world.report(at=0.4, charged_energy_wh=6_200.0, state=held_back)
    assert not again.HasField("sated_energy_wh")


async def test_a_charge_point_has_one_vehicle_at_a_time(world: UsageWorld) -> None:
    await world.report()
    second = f"{ASSET}/charging-sessions/s2"
    with pytest.raises(FailedPrecondition, match="SESSION_OVERLAPS"):
        await world.report(second, arrival=1.0, at=1.0)

    await world.report(at=1.0, departure=1.0)
    assert (await world.report(second, arrival=1.0, at=1.0)).name == second


async def test_a_state_of_charge_needs_a_capacity(world: UsageWorld) -> None:
    await world.call("CreateVehicle", vehicle())
    with pytest.raises(FailedPrecondition, match="CAPACITY_UNKNOWN"):
        await world.need(vehicle=CAR, soc_ratio=0.8)

    changed = pb.UpdateVehicleRequest(vehicle=charging_pb2.Vehicle(name=CAR, capacity_wh=60_000))
    await world.call("UpdateVehicle", changed)
    assert (await world.need(vehicle=CAR, soc_ratio=0.8)).soc_ratio == 0.8


async def test_a_repeated_create_returns_the_first_answer(world: UsageWorld) -> None:
    request = vehicle(display_name="first")
    request.request_id = "r1"
    first = await world.call("CreateVehicle", request)
    assert await world.call("CreateVehicle", request) == first
    with pytest.raises(AlreadyExists, match="VEHICLE_EXISTS"):
        await world.call("CreateVehicle", vehicle())


async def test_an_update_of_what_has_changed_since_is_refused(world: UsageWorld) -> None:
    first = (await world.call("CreateVehicle", vehicle())).vehicle
    changed = charging_pb2.Vehicle(name=CAR, display_name="mine", etag=first.etag)
    second = await world.call("UpdateVehicle", pb.UpdateVehicleRequest(vehicle=changed))
    assert second.vehicle.display_name == "mine"
    with pytest.raises(Aborted, match="ETAG_MISMATCH"):
        await world.call("UpdateVehicle", pb.UpdateVehicleRequest(vehicle=changed))

    await world.call("DeleteVehicle", pb.DeleteVehicleRequest(name=CAR))
    with pytest.raises(NotFound, match="VEHICLE_NOT_FOUND"):
        await world.call("GetVehicle", pb.GetVehicleRequest(name=CAR))


async def test_sessions_are_listed_newest_first_page_by_page_and_by_time(world: UsageWorld) -> None:
    for number in range(3):
        name = f"{ASSET}/charging-sessions/s{number}"
        await world.report(name, arrival=number, at=number + 0.5, departure=number + 0.5)
    request = pb.ListChargingSessionsRequest(parent="sites/office/assets/-", page_size=2)
    first = await world.call("ListChargingSessions", request)
    request.page_token = first.next_page_token
    rest = await world.call("ListChargingSessions", request)
    names = [each.name[-2:] for each in (*first.charging_sessions, *rest.charging_sessions)]
    assert names == ["s2", "s1", "s0"]
    assert not rest.next_page_token

    span = TimeRange(NOW + HOUR, NOW + 1.2 * HOUR)
    request = pb.ListChargingSessionsRequest(parent=ASSET, range=time_range_to_proto(span))
    found = await world.call("ListChargingSessions", request)
    assert [each.name[-2:] for each in found.charging_sessions] == ["s1"]


async def test_a_watcher_hears_what_is_open_then_every_change(world: UsageWorld) -> None:
    await world.need()
    stream = world.stub.WatchUsage(pb.WatchUsageRequest(parent="sites/office/assets/-"))
    snapshot = await stream.read()
    assert snapshot.snapshot
    assert [each.name[-2:] for each in snapshot.charging_needs] == ["n1"]

    await world.report()
    change = await stream.read()
    assert [each.name for each in change.charging_sessions] == [SESSION]
    assert change.charging_needs[0].state == charging_pb2.CHARGING_NEED_STATE_ACTIVE
    assert change.revision > snapshot.revision
    stream.cancel()


@pytest.mark.parametrize(
    "wrong",
    [
        need("n", energy_wh=-1.0),
        charging_pb2.ChargingNeed(name=f"{ASSET}/charging-needs/n"),
        need("n", asset="sites/office/assets/-"),
        need("n", priority=101),
    ],
)
async def test_a_need_that_makes_no_sense_is_refused_by_its_field(
    world: UsageWorld, wrong: charging_pb2.ChargingNeed
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await world.call("CreateChargingNeed", pb.CreateChargingNeedRequest(charging_need=wrong))
    assert refused.value.field
