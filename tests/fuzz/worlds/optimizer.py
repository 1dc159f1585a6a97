"""The optimizer with problems that have every kind of asset."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import grpc

from tests.bench.optimizer.wire import home_proto
from tests.fakes.optimizer_problem import every_kind
from tests.fuzz.contents import Seeds
from tests.fuzz.world import World, unary_seeds
from wattmesh.optimizer.v1 import optimizer_pb2 as pb
from wattmesh.optimizer.v1 import optimizer_pb2_grpc, plan_pb2
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_optimizer.wiring import SERVICE_NAME, wire
from wattmesh_runtime.service import Runtime, Service


class OptimizerWorld(World):
    """Nothing around it; solves are short."""

    name: ClassVar[str] = "optimizer"
    services: ClassVar[tuple[str, ...]] = (SERVICE_NAME,)

    def __init__(self) -> None:
        self._solved: list[tuple[Any, plan_pb2.Plan]] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return {"solve_time_limit_seconds": "0.2", "solve_longest_seconds": "0.5"}

    @property
    def settings_type(self) -> type[OptimizerSettings]:
        return OptimizerSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        if self._solved:
            return
        stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
        for problem in (every_kind(), home_proto()):
            answer = await stub.Solve(pb.SolveRequest(problem=problem), wait_for_ready=True)
            self._solved.append((problem, answer.plan))

    def seeds(self, turn: int) -> Seeds:
        explained = pb.SolveRequest(problem=every_kind())
        explained.options.explain = True
        explained.options.gap_ratio = 0.01
        solved = self._solved
        return unary_seeds(
            SERVICE_NAME,
            {
                "Solve": [explained, *(pb.SolveRequest(problem=each) for each, _ in solved)],
                "ExplainPlan": [pb.ExplainPlanRequest(problem=e, plan=p) for e, p in solved],
                "SimulatePlan": [pb.SimulatePlanRequest(problem=e, plan=p) for e, p in solved],
            },
        )

    def words(self, turn: int) -> Sequence[str]:
        assets = [asset.name for asset in every_kind().sites[0].assets]
        return ("sites/home-1", "EUR", "Europe/Berlin", *assets)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[OptimizerWorld]:
    """Give the optimizer's surroundings."""
    yield OptimizerWorld()
