"""Demand response over gRPC and PostgreSQL, in every state of an event."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.demandresponse_world import (
    BERLIN,
    EVENING,
    HOME,
    HOUR,
    NOW,
    PART,
    DemandResponseWorld,
    P,
    demandresponse_world,
    enrolment,
    event,
    limit,
    programme,
)
from tests.fakes.eventually import within
from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import event_pb2, programme_pb2
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    WattmeshError,
)
from wattmesh_kernel.time import TimeRange, local_day

OVER = EVENING + 2 * HOUR
SETTLED = OVER + timedelta(minutes=20)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        yield world


async def reduction(world: DemandResponseWorld) -> None:
    await world.programme()
    await world.enrol()
    await world.create()


async def test_an_event_is_announced_begins_and_is_settled_against_its_baseline(
    world: DemandResponseWorld,
) -> None:
    await reduction(world)
    assert (await world.part()).state == event_pb2.PARTICIPATION_STATE_OPTED_IN
    committed = await world.commit(1_500.0, 1_500.0)
    assert committed.state == event_pb2.PARTICIPATION_STATE_COMMITTED
    world.meter.hours = {EVENING: 1_000.0, EVENING + HOUR: 2_500.0}

    await world.at(EVENING)
    assert (await world.event()).state == event_pb2.EVENT_STATE_ACTIVE
    await world.at(OVER)
    assert (await world.event()).state == event_pb2.EVENT_STATE_COMPLETED
    await world.at(SETTLED)

    part = await world.part()
    assert part.state == event_pb2.PARTICIPATION_STATE_SETTLED
    assert list(part.settlement.baseline_powers_w) == [3_000.0, 3_000.0]
    assert list(part.settlement.metered_powers_w) == [1_000.0, 2_500.0]
    assert part.settlement.delivered_energy_kwh == "2.500"
    assert part.settlement.committed_energy_kwh == "3.000"
    # 2.5 kWh at 0.20, 1.5 kW at 1, less 1 kWh at 0.40
    assert (part.settlement.payment.amount, part.settlement.payment.currency_code) == (
        "1.60",
        "EUR",
    )


async def test_readings_that_come_late_are_settled_again(world: DemandResponseWorld) -> None:
    await reduction(world)
    world.meter.hours = {EVENING: 1_000.0, EVENING + HOUR: float("nan")}
    await world.at(OVER)
    await world.at(SETTLED)
    assert (await world.part()).settlement.missing_interval_count == 1

    world.meter.hours[EVENING + HOUR] = 1_000.0
    await world.at(SETTLED + timedelta(minutes=61))

    found = (await world.part()).settlement
    assert (found.missing_interval_count, found.delivered_energy_kwh) == (0, "4.000")


async def test_a_repeat_calls_nothing_twice_and_a_name_is_taken_once(
    world: DemandResponseWorld,
) -> None:
    await world.programme()
    first = await world.create("call-1")

    assert await world.create("call-1") == first
    with pytest.raises(AlreadyExists):
        await world.create("call-2")
    with pytest.raises(InvalidArgument, match="REQUEST_ID_TAKEN"):
        await world.create("call-1", name="other")


async def test_somebody_opts_out_with_a_reason_and_in_again(world: DemandResponseWorld) -> None:
    await reduction(world)

    out = await world.decide(opted_in=False, request_id="out")
    assert out.state == event_pb2.PARTICIPATION_STATE_OPTED_OUT
    assert out.decision.reason == event_pb2.OPT_OUT_REASON_COMFORT
    with pytest.raises(FailedPrecondition, match="NOT_TAKING_PART"):
        await world.commit(1.0, 1.0)
    back = await world.decide(opted_in=True)
    assert back.state == event_pb2.PARTICIPATION_STATE_OPTED_IN
    again = await world.decide(opted_in=False, request_id="out")
    assert again.state == event_pb2.PARTICIPATION_STATE_OPTED_IN, "a repeat changes nothing"


async def test_nobody_is_kept_in_or_out_against_the_programme(world: DemandResponseWorld) -> None:
    await world.programme(opt_out_allowed=False)
    await world.enrol()
    await world.create()

    with pytest.raises(FailedPrecondition, match="OPT_OUT_NOT_ALLOWED"):
        await world.decide(opted_in=False)
    request = pb.DecideParticipationRequest(
        name=PART, decision=event_pb2.OptDecision(opted_in=False)
    )
    with pytest.raises(InvalidArgument, match="UNKNOWN_VALUE"):
        await world.call("DecideParticipation", request)


@pytest.mark.parametrize("moment", [NOW, EVENING + HOUR / 2, OVER, SETTLED])
async def test_an_event_is_called_off_in_every_state(
    world: DemandResponseWorld, moment: Any
) -> None:
    await reduction(world)
    for each in sorted({EVENING, OVER, moment}):
        if each <= moment:
            await world.at(each)

    await world.cancel()
    await world.cancel()

    over = moment >= OVER
    state = event_pb2.EVENT_STATE_COMPLETED if over else event_pb2.EVENT_STATE_CANCELLED
    assert (await world.event()).state == state
    await world.at(SETTLED)
    begun = moment >= EVENING
    assert (await world.part()).HasField("settlement") == begun


@pytest.mark.parametrize(
    ("moment", "reason"),
    [(NOW, None), (EVENING + HOUR / 2, None), (OVER, "EVENT_IS_OVER"), (SETTLED, "EVENT_IS_OVER")],
)
async def test_an_event_is_changed_in_every_state(
    world: DemandResponseWorld, moment: Any, reason: str | None
) -> None:
    await reduction(world)
    await world.commit(1_500.0, 1_500.0)
    await world.at(moment)
    less = event_pb2.EventReduction(reduction_powers_w=[1_000.0, 1_000.0])

    if reason is not None:
        with pytest.raises(FailedPrecondition, match=reason):
            await world.update("reduction", reduction=less)
        return
    after = await world.update("reduction", reduction=less)

    assert after.modification_number == 1
    assert list(after.reduction.reduction_powers_w) == [1_000.0, 1_000.0]
    kept = event_pb2.PARTICIPATION_STATE_COMMITTED
    anew = event_pb2.PARTICIPATION_STATE_OPTED_IN
    assert (await world.part()).state == (anew if moment < EVENING else kept)
    late = await world.update("*", modification_number=0)
    assert list(late.reduction.reduction_powers_w) == [1_000.0, 1_000.0]


async def test_an_etag_guards_a_change(world: DemandResponseWorld) -> None:
    await reduction(world)
    before = await world.event()
    await world.update("priority", priority=3)

    with pytest.raises(Aborted):
        await world.update("priority", priority=4, etag=before.etag)


async def test_a_subject_takes_part_once_and_says_when_it_does_not(
    world: DemandResponseWorld,
) -> None:
    await world.programme()
    away = time_range_to_proto(TimeRange.of(EVENING, HOUR))
    await world.enrol(unavailable_ranges=[away])
    with pytest.raises(FailedPrecondition, match="ALREADY_ENROLLED"):
        await world.enrol(name="twice")
    await world.create()

    assert (await world.part()).state == event_pb2.PARTICIPATION_STATE_OPTED_OUT
    request = pb.UpdateEnrolmentRequest(enrolment=enrolment())
    request.update_mask.paths.append("unavailable_ranges")
    await world.call("UpdateEnrolment", request)
    assert (await world.part()).state == event_pb2.PARTICIPATION_STATE_OPTED_IN
    name = f"{P}/enrolments/home-1"
    await world.call("DeleteEnrolment", pb.DeleteEnrolmentRequest(name=name))
    assert (await world.part()).state == event_pb2.PARTICIPATION_STATE_OPTED_OUT
    await world.enrol(name="again")


async def test_who_does_not_take_part_by_default_is_asked(world: DemandResponseWorld) -> None:
    await world.programme()
    await world.enrol(opted_in_by_default=False)
    await world.create()

    assert (await world.part()).state == event_pb2.PARTICIPATION_STATE_PENDING
    assert (await world.decide(opted_in=True)).state == event_pb2.PARTICIPATION_STATE_OPTED_IN


async def test_a_limit_is_kept_while_it_holds_and_not_a_moment_longer(
    world: DemandResponseWorld,
) -> None:
    await world.programme(kind=programme_pb2.EVENT_KIND_LIMIT)
    await world.enrol()
    await world.create(limit=limit(4_200.0, 4_200.0))

    await world.at(NOW + HOUR)
    assert world.limits.limits[HOME].max_power_w == 4_200.0
    assert world.limits.limits[HOME].span == TimeRange.of(EVENING, 2 * HOUR)
    await world.update("limit", limit=limit(4_200.0, 3_000.0))
    await world.at(EVENING + HOUR)
    assert world.limits.limits[HOME].max_power_w == 3_000.0
    await world.cancel()
    await world.at(EVENING + HOUR)
    assert not world.limits.limits


async def test_a_limit_of_a_node_that_is_not_there_keeps_no_other_from_being_kept(
    world: DemandResponseWorld,
) -> None:
    feeder, fuse = f"{HOME}/nodes/feeder", f"{HOME}/nodes/fuse"
    world.limits.unknown = {feeder}
    await world.programme(kind=programme_pb2.EVENT_KIND_LIMIT)
    await world.enrol()
    of_feeder = event_pb2.EventLimit(node="feeder", max_import_powers_w=[900.0, 900.0])
    of_fuse = event_pb2.EventLimit(node="fuse", max_phase_import_powers_w=[3_000.0, 3_000.0])
    await world.create(limit=of_feeder)
    made = await world.create(limit=of_fuse, name="e2")
    assert made.limit == of_fuse, "it is told as it was said"

    await world.at(NOW + HOUR)
    await world.at(NOW + HOUR)
    assert world.limits.limits.keys() == {fuse}
    assert world.limits.limits[fuse].max_phase_power_w == 3_000.0
    assert world.limits.asked.count(feeder) == 1, "nor is it asked for again and again"
    world.limits.unknown.clear()
    await world.at(NOW + HOUR + timedelta(minutes=2))
    assert world.limits.limits[feeder].max_power_w == 900.0


async def test_baselines_come_from_metered_days_and_their_hours(
    world: DemandResponseWorld,
) -> None:
    request = pb.ComputeBaselineRequest(
        subject=HOME, baseline=programme().baseline, range=event().range
    )
    found = await world.call("ComputeBaseline", request)
    assert list(found.power_w.values) == [3_000.0, 3_000.0]
    day = local_day(NOW.astimezone(BERLIN).date() - timedelta(days=1), BERLIN).start
    assert timestamp_to_proto(day) in found.counted_day_times

    request.subject = "sites/nowhere"
    with pytest.raises(NotFound):
        await world.call("ComputeBaseline", request)


async def test_days_with_events_are_passed_over(world: DemandResponseWorld) -> None:
    await reduction(world)
    tomorrow = EVENING + 24 * HOUR
    world.meter.hours = {EVENING: 90_000.0}
    await world.at(OVER)
    await world.at(tomorrow)
    request = pb.ComputeBaselineRequest(
        subject=HOME,
        baseline=programme().baseline,
        range=time_range_to_proto(TimeRange.of(tomorrow, HOUR)),
    )

    assert list((await world.call("ComputeBaseline", request)).power_w.values) == [3_000.0]


async def test_followers_hear_what_is_there_then_every_change(world: DemandResponseWorld) -> None:
    await reduction(world)
    stream = world.stub.WatchEvents(pb.WatchEventsRequest(parent="programmes/-"))
    first = await stream.read()
    assert [each.name for each in first.events] == [f"{P}/events/e1"]
    assert [each.name for each in first.participations] == [PART]

    await world.cancel()
    async with within(10):
        heard = await stream.read()
        while not heard.events:
            heard = await stream.read()
    assert heard.events[0].state == event_pb2.EVENT_STATE_CANCELLED
    stream.cancel()


async def test_lists_come_in_pages_by_start(world: DemandResponseWorld) -> None:
    await world.programme()
    for day in range(5):
        await world.create(name=f"e{5 - day}", start=EVENING + day * 24 * HOUR)

    names: list[str] = []
    token = ""
    while not names or token:
        request = pb.ListEventsRequest(parent=P, page_size=2, page_token=token)
        page = await world.call("ListEvents", request)
        names += [each.name.rpartition("/")[2] for each in page.events]
        token = page.next_page_token

    assert names == ["e5", "e4", "e3", "e2", "e1"]


async def test_what_makes_no_sense_is_refused(world: DemandResponseWorld) -> None:
    await world.programme()
    refused: list[tuple[Callable[[], Awaitable[Any]], type[WattmeshError]]] = [
        (lambda: world.create(limit=limit(1.0, 1.0)), InvalidArgument),
        (
            lambda: world.create(reduction=event_pb2.EventReduction(reduction_powers_w=[1])),
            InvalidArgument,
        ),
        (lambda: world.create(start=NOW + HOUR), FailedPrecondition),
        (lambda: world.create(enrolments=[f"{P}/enrolments/nobody"]), NotFound),
        (lambda: world.programme(name="programmes/p2", baseline=None), InvalidArgument),
        (lambda: world.enrol(subject="gateways/g"), InvalidArgument),
        (
            lambda: world.programme(
                name="programmes/p3",
                baseline=programme_pb2.Baseline(method=programme_pb2.BASELINE_METHOD_PLAN_BEFORE),
            ),
            InvalidArgument,
        ),
    ]
    for call, error in refused:
        with pytest.raises(error):
            await call()
    await world.create()
    with pytest.raises(FailedPrecondition, match="EVENTS_TO_COME"):
        await world.call("DeleteProgramme", pb.DeleteProgrammeRequest(name=P))
    await world.cancel()
    await world.call("DeleteProgramme", pb.DeleteProgrammeRequest(name=P))
