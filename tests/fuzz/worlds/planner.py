"""The planner with two homes, a group of them and peers that answer at once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import grpc

from tests.fakes.eventually import eventually
from tests.fakes.planner_home import START, STREET, TARIFF, group, home
from tests.fakes.planner_peers import FakePeers
from tests.fuzz.contents import Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.planner.v1 import planner_pb2 as pb
from wattmesh.planner.v1 import planner_pb2_grpc
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.settings import PlannerSettings
from wattmesh_planner.wiring import wire
from wattmesh_runtime.clocks import clock_from_spec
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.testing import serve_for_test

_SERVICE = "wattmesh.planner.v1.PlannerService"
_HOME, _FIRST, _SECOND = (SiteId(f"home-{number}") for number in (1, 2, 3))
_PEERS = ("metering", "forecast", "carbon", "optimizer", "control")


class PlannerWorld(World):
    """A planner's peers on one server."""

    name: ClassVar[str] = "planner"
    services: ClassVar[tuple[str, ...]] = (_SERVICE,)

    def __init__(self, database_url: str, clock: str, peers: str) -> None:
        self._settings = {
            "database_url": database_url,
            "clock": clock,
            **{f"{peer}_target": peers for peer in _PEERS},
        }
        self._plans: list[str] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[PlannerSettings]:
        return PlannerSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        if turn:
            return
        stub = planner_pb2_grpc.PlannerServiceStub(channel)

        async def planned() -> bool:
            try:
                made = await stub.TriggerPlan(pb.TriggerPlanRequest(scope=_HOME.name))
            except grpc.aio.AioRpcError:  # it has not heard of the model yet
                return False
            self._plans.append(made.plan.name)
            return len(self._plans) == 2

        await eventually(planned, 60)

    def seeds(self, turn: int) -> Seeds:
        span = time_range_to_proto(TimeRange.of(START - HOUR, 48 * HOUR))
        scopes = (_HOME.name, STREET.name)
        return unary_seeds(
            _SERVICE,
            {
                "GetPlan": [pb.GetPlanRequest(name=name) for name in self._plans],
                "ListPlans": [
                    pb.ListPlansRequest(parent=_HOME.name, page_size=1),
                    pb.ListPlansRequest(parent="-", page_size=1, start_range=span),
                ],
                "StreamPlannedExchange": [
                    pb.StreamPlannedExchangeRequest(parent=_HOME.name, start_range=span)
                ],
                "WatchPlans": [pb.WatchPlansRequest(parent=_HOME.name), pb.WatchPlansRequest()],
                "TriggerPlan": [
                    pb.TriggerPlanRequest(scope=scope, request_id=f"turn-{turn}-{scope}")
                    for scope in scopes
                ],
                "GetScope": [pb.GetScopeRequest(name=scope) for scope in scopes],
                "ListScopes": [pb.ListScopesRequest(page_size=1)],
                "GetPlanStatistics": [
                    pb.GetPlanStatisticsRequest(parent=_HOME.name, start_range=span)
                ],
            },
        )

    def words(self, turn: int) -> Sequence[str]:
        return (_HOME.name, _FIRST.name, STREET.name, *self._plans)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[PlannerWorld]:
    """Give the planner's surroundings."""
    clock = clock_from(START)
    together = (*home(_FIRST), *home(_SECOND), group(_FIRST, _SECOND))
    peers: Any = FakePeers
    around = peers(TARIFF, *home(_HOME), *together, clock=clock_from_spec(clock))
    async with serve_for_test(*around.register) as target:
        yield PlannerWorld(database_url, clock, target)
