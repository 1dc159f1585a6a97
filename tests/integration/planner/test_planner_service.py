"""The whole planner as it is wired: a real server, a real database, its peers on real gRPC."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import grpc
import psycopg
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.planner_home import HOME, RATING, TARIFF, asset_id, home, without
from tests.fakes.planner_peers import FakePeers
from tests.fakes.planner_process import planner_process
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh.type.v1 import electrical_pb2, rating_pb2
from wattmesh_kernel.clock import ScaledClock, format_clock_spec
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import (
    Asset,
    LoadRating,
    Node,
    Phase,
    Resource,
    Site,
    SocPowerLimit,
)
from wattmesh_planner.settings import PlannerSettings
from wattmesh_planner.wiring import wire
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.service import Lifecycle, serve
from wattmesh_runtime.testing import channel_for_test, serve_for_test

HOMES = [SiteId(f"home-{number}") for number in range(1, 41)]
START = datetime(2024, 5, 1, 12, tzinfo=UTC)
FAST = 720.0
"""An hour in 5 s."""


@dataclass(kw_only=True)
class Mesh:
    """The planner's peers, and a way to start planners on one database."""

    peers: FakePeers
    target: str
    database_url: str
    clock: ScaledClock

    @property
    def settings(self) -> dict[str, str]:
        peers = ("metering", "forecast", "carbon", "optimizer", "control")
        return {
            **{f"{peer}_target": self.target for peer in peers},
            "database_url": self.database_url,
            "clock": format_clock_spec(self.clock),
            "plan_lead": "PT20M",
            "grace_seconds": "0.2",
            "shutdown_notice_seconds": "0",
        }

    @asynccontextmanager
    async def planner(self) -> AsyncIterator[Any]:
        """A planner; yields its stub."""
        settings = PlannerSettings.model_validate(self.settings)
        lifecycle = Lifecycle()
        serving = asyncio.create_task(serve(settings, wire, "planner", lifecycle))
        address = await lifecycle.address
        async with channel_for_test(address) as channel:
            yield planner_pb2_grpc.PlannerServiceStub(channel)
        lifecycle.stop.set()
        assert await serving


@asynccontextmanager
async def mesh(
    database_url: str, resources: Sequence[Resource], rate: float = 1.0
) -> AsyncIterator[Mesh]:
    clock = ScaledClock(START, datetime.now(UTC), rate)
    peers = FakePeers(TARIFF, *resources, clock=clock)  # type: ignore[abstract]
    async with serve_for_test(*peers.register) as target:
        yield Mesh(peers=peers, target=target, database_url=database_url, clock=clock)


async def known(stub: Any, scope: str) -> Any:
    """The scope, once the planner has heard of it."""

    async def heard() -> bool:
        try:
            listed = await stub.ListScopes(planner_pb2.ListScopesRequest())
        except grpc.aio.AioRpcError as error:  # it says that it does not know the model yet
            return error_from_rpc(error).reason != "SITE_MODEL_UNKNOWN"
        return scope in {each.name for each in listed.scopes}

    await eventually(heard)
    return (await stub.GetScope(planner_pb2.GetScopeRequest(name=scope))).scope


async def test_a_triggered_plan_can_be_looked_up_listed_counted_and_watched(
    database_url: str,
) -> None:
    async with mesh(database_url, home()) as around, around.planner() as stub:
        await known(stub, HOME.name)
        request = planner_pb2.TriggerPlanRequest(scope=HOME.name, request_id="r1")
        made = (await stub.TriggerPlan(request)).plan
        again = (await stub.TriggerPlan(request)).plan
        got = (await stub.GetPlan(planner_pb2.GetPlanRequest(name=made.name))).plan
        listed = await stub.ListPlans(planner_pb2.ListPlansRequest(parent=HOME.name))
        counted = await stub.GetPlanStatistics(planner_pb2.GetPlanStatisticsRequest())
        watching = stub.WatchPlans(planner_pb2.WatchPlansRequest(parent=HOME.name))
        watched = (await watching.read()).plan
        watching.cancel()
        light = stub.WatchPlans(planner_pb2.WatchPlansRequest(summaries=True))
        summary, told = await light.read(), await light.read()
        light.cancel()

    assert made.state == planner_pb2.PLAN_STATE_MADE
    assert got == watched == again == made
    assert (summary.plan.name, summary.plan.state) == (made.name, made.state)
    assert not summary.plan.HasField("problem")
    assert told.complete
    assert [each.name for each in listed.plans] == [made.name]
    assert counted.made == 1
    assert [setpoint.value for setpoint in around.peers.schedules[0].schedules[0].setpoints] == (
        [1_000.0] * 24
    )
    (exchange,) = around.peers.schedules[0].exchanges
    assert exchange.site == HOME.name
    assert [each.net_power_w for each in exchange.intervals] == [700.0] * 24


async def test_what_a_plan_lacked_comes_typed(database_url: str) -> None:
    async with mesh(database_url, home()) as around, around.planner() as stub:
        await known(stub, HOME.name)
        plan = (await stub.TriggerPlan(planner_pb2.TriggerPlanRequest(scope=HOME.name))).plan

    (degradation,) = plan.degradations
    assert degradation.subject == asset_id("pv").name
    assert degradation.topic == planner_pb2.FACT_TOPIC_FORECAST
    assert degradation.reason == planner_pb2.DEGRADATION_REASON_INCOMPLETE_SITE_MODEL
    assert degradation.remedy == planner_pb2.REMEDY_ASSUMED
    assert "no coordinates" in plan.message


async def test_power_limits_by_state_of_charge_reach_the_optimizer(database_url: str) -> None:
    limits = (
        SocPowerLimit(soc_ratio=0.8, max_charge_power_w=5_000.0, max_discharge_power_w=5_000.0),
        SocPowerLimit(soc_ratio=1.0, max_charge_power_w=500.0, max_discharge_power_w=5_000.0),
    )
    rating = replace(RATING, soc_power_limits=limits)
    resources = [*home(), Asset(id=asset_id("battery"), rating=rating)]
    async with mesh(database_url, resources) as around, around.planner() as stub:
        await known(stub, HOME.name)
        await stub.TriggerPlan(planner_pb2.TriggerPlanRequest(scope=HOME.name))

    (battery,) = [
        asset.battery
        for asset in around.peers.problems[0].problem.sites[0].assets
        if asset.HasField("battery")
    ]
    assert list(battery.rating.soc_power_limits) == [
        rating_pb2.SocPowerLimit(
            soc_ratio=each.soc_ratio,
            max_charge_power_w=each.max_charge_power_w,
            max_discharge_power_w=each.max_discharge_power_w,
        )
        for each in limits
    ]


async def test_the_topology_of_a_site_reaches_the_optimizer(database_url: str) -> None:
    shed = Node(id="shed", max_import_power_w=3_000.0, export_efficiency_ratio=0.97)
    site, *assets = home()
    assert isinstance(site, Site)
    load = Asset(id=asset_id("load"), rating=LoadRating(), node_id="shed", phase=Phase.L2)
    resources = [replace(site, nodes=(shed,)), *assets, load]
    async with mesh(database_url, resources) as around, around.planner() as stub:
        await known(stub, HOME.name)
        await stub.TriggerPlan(planner_pb2.TriggerPlanRequest(scope=HOME.name))

    problem = around.peers.problems[0].problem.sites[0]
    (node,) = problem.nodes
    assert (node.id, node.limits.max_import_power_w) == ("shed", 3_000.0)
    assert not node.limits.HasField("max_export_power_w")
    assert node.export_efficiency_ratio == 0.97
    assert {
        asset.name: (asset.node_id, asset.phase)
        for asset in problem.assets
        if asset.HasField("fixed_load")
    } == {load.name: ("shed", electrical_pb2.PHASE_L2)}


async def test_sites_that_are_not_planned_say_why(database_url: str) -> None:
    bare, odd = SiteId("bare"), SiteId("odd")
    resources = [
        *home(),
        *without(home(bare), "battery"),
        *without(home(odd), "grid"),
    ]
    async with mesh(database_url, resources) as around, around.planner() as stub:
        planned = await known(stub, HOME.name)
        nothing = await known(stub, bare.name)
        incomplete = await known(stub, odd.name)

        async def held() -> bool:
            return bool((await known(stub, HOME.name)).holder)

        await eventually(held)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.TriggerPlan(planner_pb2.TriggerPlanRequest(scope=bare.name))

    assert planned.state == planner_pb2.SCOPE_STATE_PLANNED
    assert nothing.state == planner_pb2.SCOPE_STATE_NOTHING_TO_STEER
    assert incomplete.state == planner_pb2.SCOPE_STATE_INCOMPLETE
    assert incomplete.degradations[0].subject == odd.name
    assert error_from_rpc(caught.value).reason == "NOTHING_TO_STEER"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (planner_pb2.TriggerPlanRequest(scope="groups/nowhere"), "SCOPE_NOT_FOUND"),
        (planner_pb2.TriggerPlanRequest(scope="nonsense"), "INVALID_NAME"),
    ],
)
async def test_a_scope_that_cannot_be_planned_is_refused_with_its_reason(
    database_url: str, request_: planner_pb2.TriggerPlanRequest, reason: str
) -> None:
    async with mesh(database_url, home()) as around, around.planner() as stub:
        await known(stub, HOME.name)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.TriggerPlan(request_)
        with pytest.raises(grpc.aio.AioRpcError) as negative:
            await stub.ListPlans(planner_pb2.ListPlansRequest(page_size=-1))

    assert error_from_rpc(caught.value).reason == reason
    assert negative.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_scopes_come_page_by_page(database_url: str) -> None:
    resources = [part for site in HOMES[:5] for part in home(site)]
    async with mesh(database_url, resources) as around, around.planner() as stub:
        await known(stub, HOMES[0].name)
        first = await stub.ListScopes(planner_pb2.ListScopesRequest(page_size=3))
        token = first.next_page_token
        second = await stub.ListScopes(planner_pb2.ListScopesRequest(page_size=3, page_token=token))

    names = [each.name for each in (*first.scopes, *second.scopes)]
    assert names == [site.name for site in HOMES[:5]]
    assert second.next_page_token == ""


@pytest.mark.time_limit(120)
async def test_of_two_planners_one_takes_over_within_seconds_and_no_interval_is_lost_or_doubled(
    database_url: str,
) -> None:
    resources = [part for site in HOMES for part in home(site)]
    async with (
        mesh(database_url, resources, FAST) as around,
        around.planner() as survivor,
        planner_process(around.settings) as dying,
    ):

        async def shared() -> bool:
            held = await holders(survivor)
            return (
                len(held) == len(HOMES)
                and sum(holder.endswith(f":{dying.pid}") for holder in held) == 20
            )

        async def taken_over() -> bool:
            held = await holders(survivor)
            return len(held) == len(HOMES) and len(set(held)) == 1

        async def planned(hours: int) -> bool:
            """Tell whether each scope has plans for so many hours that have begun."""
            starts = by_scope(await accepted())
            return len(starts) == len(HOMES) and min(map(len, starts.values())) >= hours

        async def accepted() -> list[tuple[str, int]]:
            return [
                (plan.scope, plan.target_range.start_time.seconds)
                for plan in await plans_by(survivor, around.clock.now())
                if plan.HasField("accept_time")
            ]

        await known(survivor, HOMES[0].name)
        await eventually(shared, seconds=30)
        await eventually(lambda: planned(1), seconds=30)
        await dying.kill()
        await eventually(taken_over, seconds=10)
        connections = await connection_count(database_url)
        await eventually(lambda: planned(3), seconds=30)
        plans = await accepted()

    shared_since = max(min(starts) for starts in by_scope(plans).values())
    # The newest interval has just begun: on a busy machine some of its plans are in the making.
    last = min(max(starts) for starts in by_scope(plans).values())
    expected = list(range(shared_since, last + 1, 3600))
    assert {
        scope: [start for start in starts if shared_since <= start <= last]
        for scope, starts in by_scope(plans).items()
    } == {site.name: expected for site in HOMES}
    assert connections < 15


def by_scope(plans: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    """The starts of each scope's plans, in order."""
    return {scope: sorted(start for other, start in plans if other == scope) for scope, _ in plans}


async def holders(stub: Any) -> list[str]:
    listed = await stub.ListScopes(planner_pb2.ListScopesRequest())
    return [scope.holder for scope in listed.scopes if scope.holder]


async def plans_by(stub: Any, now: datetime) -> list[planner_pb2.Plan]:
    """The plans for intervals that have begun by now: later ones may be in the making."""
    listed = await stub.ListPlans(planner_pb2.ListPlansRequest(page_size=1000))
    begun = now.timestamp()
    return [plan for plan in listed.plans if plan.target_range.start_time.seconds <= begun]


async def connection_count(database_url: str) -> int:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'wattmesh-planner%'"
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])
