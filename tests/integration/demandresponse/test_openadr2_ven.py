"""Our VEN of OpenADR 2.0b on openleadr's own VTN."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.demandresponse_world import (
    HOUR,
    DemandResponseWorld,
    demandresponse_world,
)
from tests.fakes.openadr2_vtn import MARKET, REGISTRATION_ID, VEN_ID, Ven2b, Vtn2b, ven_2b, vtn_2b
from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import event_pb2
from wattmesh_demandresponse.adapters.openadr2_line import Registration
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.time import floor_time

THEIRS = "programmes/theirs"
SOON = floor_time(datetime.now(UTC), HOUR) + 6 * HOUR
"""openleadr's VTN knows the time of the wall alone."""


@pytest.fixture
async def vtn() -> AsyncIterator[Vtn2b]:
    async with vtn_2b() as vtn:
        yield vtn


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        world.clock.set(SOON - 5 * HOUR)
        yield world


@pytest.fixture
async def ven(world: DemandResponseWorld, vtn: Vtn2b) -> Ven2b:
    await world.programme(name=THEIRS, external_id=MARKET, level_powers_w=[0, 500, 1_000, 2_000])
    await world.enrol(of=THEIRS, external_id="meter-1")
    return ven_2b(world, vtn.url)


async def events(world: DemandResponseWorld) -> list[event_pb2.Event]:
    request = pb.ListEventsRequest(parent=THEIRS)
    return list((await world.call("ListEvents", request)).events)


async def test_an_event_is_asked_here_changed_called_off_and_answered_each_time(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    vtn.call("evening", SOON, -2.0, -1.0)
    await ven.follow()
    await ven.follow()
    (event,) = await events(world)
    assert list(event.reduction.reduction_powers_w) == [2_000.0, 1_000.0]
    assert (event.external_id, event.priority) == ("evening", 100)
    assert event.range.start_time.ToDatetime(UTC) == SOON
    assert vtn.opts == [("evening", "optIn")]

    vtn.change("evening", SOON, -3.0)
    await ven.follow()
    (event,) = await events(world)
    assert (event.modification_number, list(event.reduction.reduction_powers_w)) == (1, [3_000.0])
    assert vtn.opts == [("evening", "optIn")] * 2

    vtn.cancel("evening")
    await ven.follow()
    (event,) = await events(world)
    assert event.state == event_pb2.EVENT_STATE_CANCELLED
    assert vtn.server.events[VEN_ID] == []  # it has heard that we know


async def test_levels_are_what_the_programme_says_and_what_it_has_no_word_for_is_opted_out_of(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    vtn.call("levels", SOON, 1, 3, signal=("SIMPLE", "level"), measurement=None)
    vtn.call("setpoint", SOON, 4.0, signal=("LOAD_DISPATCH", "setpoint"))
    vtn.call("elsewhere", SOON, -1.0, market="http://grid.example/other")
    vtn.call("for-another", SOON, -1.0, targets=[{"resource_id": "meter-9"}])
    vtn.call("for-us", SOON, -1.0, targets=[{"resource_id": "meter-1"}])
    await ven.follow()

    asked = {each.external_id: each.reduction.reduction_powers_w for each in await events(world)}
    assert {name: list(powers_w) for name, powers_w in asked.items()} == {
        "levels": [500.0, 2_000.0],
        "for-us": [1_000.0],
    }
    assert dict(vtn.opts) == {
        "levels": "optIn",
        "for-us": "optIn",
        "setpoint": "optOut",
        "elsewhere": "optOut",
        "for-another": "optOut",
    }


async def test_who_opts_out_here_or_calls_off_is_told_of(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    vtn.call("evening", SOON, -2.0)
    await ven.follow()
    (event,) = await events(world)
    decision = event_pb2.OptDecision(opted_in=False, reason=event_pb2.OPT_OUT_REASON_COMFORT)
    name = f"{event.name}/participations/home-1"
    await world.call(
        "DecideParticipation", pb.DecideParticipationRequest(name=name, decision=decision)
    )
    vtn.server.event_callbacks["evening"] = (None, vtn.answered)
    await ven.follow()

    assert vtn.opts == [("evening", "optIn"), ("evening", "optOut")]
    vtn.opts.clear()
    vtn.call("night", SOON + 3 * HOUR, -2.0)
    await ven.follow()
    await world.cancel((await events(world))[1].name)
    vtn.server.event_callbacks["night"] = (None, vtn.answered)
    await ven.follow()
    assert vtn.opts == [("night", "optIn"), ("night", "optOut")]


async def test_an_event_that_is_over_is_answered_as_it_was_after_a_restart_too(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    vtn.call("evening", SOON, -2.0)
    await ven.follow()
    await world.at(SOON + 4 * HOUR)  # over and settled here; the VTN goes by the wall
    (event,) = await events(world)
    assert event.state == event_pb2.EVENT_STATE_COMPLETED
    vtn.server.event_callbacks["evening"] = (None, vtn.answered)
    await ven.follow()
    assert vtn.opts == [("evening", "optIn")]

    await ven_2b(world, vtn.url).follow()
    assert vtn.opts == [("evening", "optIn")] * 2
    assert await events(world) == [event]


async def test_a_vtn_that_forgot_us_is_registered_with_again_and_one_that_is_away_ends_nothing(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    await ven.follow()
    assert ven.registrations.registration == Registration(
        ven_id=VEN_ID, registration_id=REGISTRATION_ID, vtn_id="grid"
    )
    assert ven.vtn.poll_seconds == 10.0
    vtn.call("evening", SOON, -2.0)
    vtn.known = False
    await ven.follow()

    again = vtn.registered[1]
    assert (again["ven_id"], again["registration_id"]) == (VEN_ID, REGISTRATION_ID)
    assert [each.external_id for each in await events(world)] == ["evening"]

    await vtn.server.stop()
    with pytest.raises(Unavailable):
        await ven.follow()
    (event,) = await events(world)
    assert event.state == event_pb2.EVENT_STATE_SCHEDULED


async def test_who_follows_again_after_another_process_did_calls_nothing_off(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    await ven.follow()
    other = ven_2b(world, vtn.url, registrations=ven.registrations)
    vtn.call("evening", SOON, -2.0)
    await other.follow()  # and the VTN does not say it a second time

    ven.vtn.forget()
    await ven.follow()
    (event,) = await events(world)
    assert event.state == event_pb2.EVENT_STATE_SCHEDULED


async def test_metered_energy_is_told_once_and_what_comes_late_with_the_next(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    quarter, start = timedelta(minutes=15), world.clock.now()
    await ven.report()
    world.clock.advance(HOUR)
    world.meter.hours[start + 3 * quarter] = float("nan")
    await ven.report()
    assert vtn.reported == [(start + index * quarter, 750.0) for index in range(3)]

    world.meter.hours.clear()
    await ven.report()
    world.clock.advance(HOUR)
    await ven.report()
    assert vtn.reported == [(start + index * quarter, 750.0) for index in range(8)]
