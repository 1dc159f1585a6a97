"""What plans had grid connections exchange, told plan after plan, each for as long as it held."""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.fakes.planner_home import HOUR, START
from tests.fakes.planner_plans import MemoryPlans
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.api.exchanges import exchanges_to_proto, required_starts_from_proto
from wattmesh_planner.app.query_exchanges import AT_ONCE, HeldPlan, QueryExchanges
from wattmesh_planner.domain.plan import Plan, PlanState, plan_id

HOME = SiteId("home-1")


def plan(start: datetime, first_w: float, *, sites: int = 1, hours: int = 24) -> Plan:
    solved = [
        plan_pb2.SitePlan(
            site_name=f"sites/home-{number + 1}",
            import_powers_w=[first_w + hour for hour in range(hours)],
            export_powers_w=[0.0] * hours,
        )
        for number in range(sites)
    ]
    return Plan(
        id=plan_id(HOME, start, 1),
        scope=HOME.name,
        sites=(HOME.name,),
        issue_time=start - HOUR / 4,
        accept_time=start - HOUR / 5,
        target=TimeRange.of(start, hours * HOUR),
        resolution=HOUR,
        state=PlanState.MADE,
        sources={},
        solution=plan_pb2.Plan(sites=solved).SerializeToString(),
    )


async def told(kept: list[Plan], span: TimeRange) -> list[planner_pb2.PlannedExchange]:
    store = MemoryPlans()
    store.plans |= {each.id: each for each in kept}
    return [
        exchange
        async for held in QueryExchanges(store)(HOME.name, span)
        for piece in exchanges_to_proto(held)
        for exchange in piece.exchanges
    ]


async def test_each_plan_is_told_until_the_next_one_that_control_took_begins() -> None:
    failed = replace(plan(START + 2 * HOUR, 9.0), accept_time=None, state=PlanState.FAILED)
    kept = [plan(START, 100.0), failed, plan(START + 3 * HOUR, 200.0)]
    first, second = await told(kept, TimeRange.of(START, 5 * HOUR))
    assert list(first.sites[0].import_powers_w) == [100.0, 101.0, 102.0]
    assert list(second.sites[0].import_powers_w) == [200.0, 201.0], "the range ends"
    assert second.start_time.ToSeconds() == (START + 3 * HOUR).timestamp()


async def test_a_plan_that_was_replaced_within_an_interval_is_told_with_that_interval() -> None:
    kept = [plan(START, 100.0), plan(START + 1.5 * HOUR, 200.0)]
    first, _ = await told(kept, TimeRange.of(START, 5 * HOUR))
    assert list(first.sites[0].import_powers_w) == [100.0, 101.0]


async def test_many_plans_come_in_pieces_and_none_is_lost_between_them() -> None:
    count = 2 * AT_ONCE + 1
    kept = [plan(START + hour * HOUR, float(hour), hours=2) for hour in range(count)]
    found = await told(kept, TimeRange.of(START, count * HOUR))
    powers = [each.sites[0].import_powers_w for each in found]
    assert [list(each) for each in powers] == [[float(hour)] for hour in range(count)]


def test_a_piece_is_no_larger_than_agreed_unless_a_single_plan_is() -> None:
    held = [
        HeldPlan(
            plan=plan(START + day * 24 * HOUR, 1.0, sites=1_000),
            holds=TimeRange.of(START + day * 24 * HOUR, 24 * HOUR),
        )
        for day in range(5)
    ]
    pieces = list(exchanges_to_proto(held))
    assert [len(each.exchanges) for each in pieces] == [2, 2, 1]


async def test_a_range_beyond_what_is_told_at_once_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="400 days"):
        await told([], TimeRange.of(START, 401 * 24 * HOUR))
    with pytest.raises(InvalidArgument, match="start_range is required"):
        required_starts_from_proto(planner_pb2.StreamPlannedExchangeRequest(parent=HOME.name))
