"""Reserves over gRPC and PostgreSQL: offered, signalled, and settled by what was metered."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.fakes.demandresponse_world import (
    EVENING,
    GROUP,
    GROUP_SITES,
    HOME,
    HOUR,
    PART,
    DemandResponseWorld,
    P,
    demandresponse_world,
    programme,
)
from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import event_pb2, programme_pb2
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.errors import InvalidArgument

EVENT = f"{P}/events/e1"
OVER = EVENING + 2 * HOUR


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        yield world


async def asked(world: DemandResponseWorld, **enrolled: str) -> None:
    """Ask for 2 kW up and 1 kW down from 17 to 19 h."""
    await world.programme(
        kind=programme_pb2.EVENT_KIND_RESERVE,
        activation_duration=duration_to_proto(HOUR / 2),
        payment=programme_pb2.ProgrammePayment(
            currency_code="EUR",
            price_per_kwh=0.2,
            penalty_price_per_kwh=0.4,
            price_per_kw_hour=0.05,
        ),
    )
    await world.enrol(**enrolled)
    powers = event_pb2.EventReserve(up_powers_w=[2_000.0] * 2, down_powers_w=[1_000.0] * 2)
    await world.create(reserve=powers)


async def reserve(world: DemandResponseWorld) -> None:
    """Hold what is asked beside 3 kW that are planned."""
    await asked(world)
    await world.commit(
        3_000.0, 3_000.0, up_powers_w=[2_000.0, 2_000.0], down_powers_w=[1_000.0, 1_000.0]
    )


def signal(ratio: float, at: datetime, hold: timedelta = HOUR) -> pb.SignalReserveRequest:
    return pb.SignalReserveRequest(
        event=EVENT,
        signal_ratio=ratio,
        signal_time=timestamp_to_proto(at),
        hold_duration=duration_to_proto(hold),
    )


async def said(call: Any, request: pb.SignalReserveRequest) -> pb.SignalReserveResponse:
    await call.write(request)
    return await call.read()  # type: ignore[no-any-return]


async def test_a_signal_moves_what_was_committed_and_is_settled(world: DemandResponseWorld) -> None:
    await reserve(world)
    await world.at(EVENING)
    call = world.stub.SignalReserve()
    answer = await said(call, signal(0.5, EVENING, HOUR / 2))  # half an hour: 0.5 kWh less
    assert (answer.asked_power_w, answer.site_count, answer.told_site_count) == (-1_000.0, 1, 1)
    world.clock.set(EVENING + HOUR)
    assert (await said(call, signal(-1.0, EVENING + HOUR))).asked_power_w == 1_000.0
    assert [(each.site.name, each.power_w) for each in world.line.passed_on] == [
        (HOME, -1_000.0),
        (HOME, 1_000.0),
    ]

    world.meter.hours = {EVENING: 2_400.0, EVENING + HOUR: 3_600.0}
    await world.at(OVER)
    await world.at(OVER + timedelta(minutes=20))

    found = (await world.part(PART)).settlement
    assert list(found.signal_powers_w) == [-500.0, 1_000.0]
    # all of the first half kWh, 0.6 of the 1 kWh more
    assert (found.delivered_energy_kwh, found.committed_energy_kwh) == ("1.100", "1.500")
    assert found.availability_payment.amount == "0.30"  # 3 kW over 2 h
    assert found.payment.amount == "0.36"  # and 1.1 kWh at 0.20, less 0.4 at 0.40


async def test_what_cannot_be_signalled_is_refused(world: DemandResponseWorld) -> None:
    await reserve(world)
    for request, code in (
        (signal(0.5, EVENING), grpc.StatusCode.FAILED_PRECONDITION),  # it has not begun
        (signal(1.5, EVENING), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.SignalReserveRequest(event=f"{P}/events/e9"), grpc.StatusCode.NOT_FOUND),
    ):
        call = world.stub.SignalReserve()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await said(call, request)
        assert caught.value.code() is code


def holding(site: str, *up_w: float) -> event_pb2.SiteHolding:
    return event_pb2.SiteHolding(site=site, planned_powers_w=[1_500.0] * 2, up_powers_w=up_w)


async def test_what_a_group_holds_is_signalled_site_by_site_and_settled_as_one(
    world: DemandResponseWorld,
) -> None:
    await asked(world, subject=GROUP)
    one, other = GROUP_SITES
    up_w = [2_000.0, 2_000.0]
    for sites in ((), (holding(one, 1_500.0, 1_000.0), holding(other, 500.0, 500.0))):
        with pytest.raises(InvalidArgument, match="INVALID_VALUE"):  # 1.5 kW are not 2 kW
            await world.commit(3_000.0, 3_000.0, sites=sites, up_powers_w=up_w)
    first = (holding(one, 1_500.0, 2_000.0), holding(other, 500.0, 0.0))
    await world.commit(3_000.0, 3_000.0, sites=first, up_powers_w=up_w)
    await world.at(EVENING)
    call = world.stub.SignalReserve()
    answer = await said(call, signal(1.0, EVENING, HOUR / 2))
    assert (answer.asked_power_w, answer.site_count) == (-2_000.0, 2)
    assert [(each.site.name, each.power_w, each.pool) for each in world.line.passed_on] == [
        (one, -1_500.0, GROUP),
        (other, -500.0, GROUP),
    ]

    # one fails: the plan has the other hold what is left of it; what was promised in all stays
    world.clock.set(EVENING + HOUR)
    part = await world.commit(
        0.0, 0.0, sites=(holding(one, 0.0, 0.0), holding(other, 0.0, 1_200.0))
    )
    assert list(part.commitment.up_powers_w) == [2_000.0, 2_000.0]
    assert list(part.commitment.sites[0].up_powers_w) == [1_500.0, 0.0]
    await said(call, signal(0.5, EVENING + HOUR))
    assert [(each.site.name, each.power_w) for each in world.line.passed_on[2:]] == [
        (one, 0.0),
        (other, -1_000.0),
    ]

    world.meter.hours = {EVENING: 2_000.0, EVENING + HOUR: 2_400.0}  # of both together
    await world.at(OVER)
    await world.at(OVER + timedelta(minutes=20))
    found = (await world.part(PART)).settlement
    assert list(found.signal_powers_w) == [-1_000.0, -1_000.0]
    assert found.delivered_energy_kwh == "1.600"


async def test_a_reserve_says_how_long_it_is_sustained(world: DemandResponseWorld) -> None:
    kind = programme_pb2.EVENT_KIND_RESERVE
    with pytest.raises(InvalidArgument, match="MISSING_FIELD"):
        await world.call(
            "CreateProgramme", pb.CreateProgrammeRequest(programme=programme(kind=kind))
        )
