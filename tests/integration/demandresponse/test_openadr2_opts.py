"""What people opt out of is told to openleadr's own VTN by `EiOpt`, and taken back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.demandresponse_world import (
    HOUR,
    DemandResponseWorld,
    demandresponse_world,
    enrolment,
)
from tests.fakes.openadr2_vtn import MARKET, Ven2b, Vtn2b, ven_2b, vtn_2b
from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import event_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange, floor_time

THEIRS = "programmes/theirs"
SOON = floor_time(datetime.now(UTC), HOUR) + 6 * HOUR
SECOND = {"name": "home-2", "subject": "sites/home-2", "external_id": "meter-2"}
OUT = event_pb2.OptDecision(
    opted_in=False, reason=event_pb2.OPT_OUT_REASON_EQUIPMENT, message="the heat pump is broken"
)


@pytest.fixture
async def vtn() -> AsyncIterator[Vtn2b]:
    async with vtn_2b() as vtn:
        yield vtn


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        world.clock.set(SOON - 5 * HOUR)
        await world.programme(name=THEIRS, external_id=MARKET)
        await world.enrol(of=THEIRS, external_id="meter-1")
        yield world


@pytest.fixture
def ven(world: DemandResponseWorld, vtn: Vtn2b) -> Ven2b:
    return ven_2b(world, vtn.url)


async def turn(ven: Ven2b) -> None:
    await ven.follow()
    await ven.opt()


async def say(world: DemandResponseWorld, home: str, decision: event_pb2.OptDecision) -> None:
    (event,) = (await world.call("ListEvents", pb.ListEventsRequest(parent=THEIRS))).events
    name = f"{event.name}/participations/{home}"
    await world.call(
        "DecideParticipation", pb.DecideParticipationRequest(name=name, decision=decision)
    )


def opted(opt: Any) -> tuple[Any, ...]:
    resource = [each.get("resource_id") for each in opt["targets"] if each]
    return opt["event_id"], opt["modification_number"], opt["opt_type"], opt["opt_reason"], resource


async def test_one_resource_is_told_to_be_out_of_an_event_in_which_others_are_and_why(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    await world.enrol(of=THEIRS, **SECOND)
    vtn.call("evening", SOON, -2.0)
    await turn(ven)
    assert vtn.opted == []

    await say(world, "home-2", OUT)
    for _ in range(3):
        await turn(ven)
    assert [opted(each) for each in vtn.opted] == [
        ("evening", 0, "optOut", "outageRunStatus", ["meter-2"])
    ]
    assert vtn.opts == [("evening", "optIn")]  # as a whole we are in: the other one is

    await say(world, "home-2", event_pb2.OptDecision(opted_in=True))
    for _ in range(2):
        await turn(ven)
    assert vtn.opts_cancelled == [vtn.opted[0]["opt_id"]]


async def test_an_opt_out_stands_for_what_an_event_has_become_and_ends_with_it(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    vtn.call("evening", SOON, -2.0)
    await turn(ven)
    await say(world, "home-1", OUT)
    await turn(ven)
    vtn.change("evening", SOON, -3.0)
    await turn(ven)
    assert vtn.opts[-1] == ("evening", "optOut")  # it is asked for anew, and so is answered
    assert len(vtn.opted) == 1

    vtn.cancel("evening")
    await turn(ven)
    assert (vtn.opts_cancelled, ven.opts.opts) == ([], {})  # there is nothing left to be out of


async def test_a_resource_that_is_away_for_a_time_is_told_to_be_out_of_all_then(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    holiday = TimeRange.of(SOON, timedelta(days=3))
    away = enrolment(of=THEIRS, external_id="meter-1")
    away.unavailable_ranges.append(time_range_to_proto(holiday))
    request = pb.UpdateEnrolmentRequest(enrolment=away)
    request.update_mask.paths.append("unavailable_ranges")
    await world.call("UpdateEnrolment", request)
    for _ in range(2):
        await turn(ven)
    (opt,) = vtn.opted
    assert (opt["opt_reason"], opt["targets"]) == ("x-schedule", [{"resource_id": "meter-1"}])
    away_for = opt["vavailability"]["components"]["available"]
    assert away_for["dtstart"] == SOON
    assert away_for["duration"] == timedelta(days=3)

    request.enrolment.ClearField("unavailable_ranges")
    await world.call("UpdateEnrolment", request)
    await turn(ven)
    assert vtn.opts_cancelled == [opt["opt_id"]]


async def test_what_was_told_is_known_after_a_restart_and_taken_back_then(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    def restarted() -> Ven2b:
        return ven_2b(world, vtn.url, opts=ven.opts, registrations=ven.registrations)

    vtn.call("evening", SOON, -2.0)
    await turn(ven)
    await say(world, "home-1", OUT)
    await turn(ven)
    await turn(restarted())
    assert [opted(each) for each in vtn.opted] == [("evening", 0, "optOut", "outageRunStatus", [])]

    await say(world, "home-1", event_pb2.OptDecision(opted_in=True))
    await turn(restarted())
    await turn(restarted())
    assert vtn.opts_cancelled == [vtn.opted[0]["opt_id"]]


async def test_a_vtn_that_takes_no_opts_costs_nothing_else_and_is_told_once_it_does(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    vtn.takes_opts = False
    vtn.call("evening", SOON, -2.0)
    await turn(ven)
    await say(world, "home-1", OUT)
    vtn.server.event_callbacks["evening"] = (None, vtn.answered)
    await turn(ven)
    assert (vtn.opted, vtn.opts[-1]) == ([], ("evening", "optOut"))

    vtn.takes_opts = True
    await turn(ven)
    assert vtn.opted == []
    world.clock.advance(timedelta(minutes=61))
    await turn(ven)
    assert len(vtn.opted) == 1


async def test_an_opt_that_is_refused_is_told_once(
    world: DemandResponseWorld, vtn: Vtn2b, ven: Ven2b
) -> None:
    vtn.refuses_opts = True
    vtn.call("evening", SOON, -2.0)
    await turn(ven)
    await say(world, "home-1", OUT)
    await turn(ven)
    await turn(ven)
    assert len(vtn.opted) == 1

    await say(world, "home-1", event_pb2.OptDecision(opted_in=True))
    await turn(ven)
    assert (vtn.opts_cancelled, ven.opts.opts) == ([], {})  # it never stood
