"""Builds the optimizer: solver, use cases, servicer."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

from wattmesh.optimizer.v1 import optimizer_pb2_grpc
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.observation import PlanObserver
from wattmesh_optimizer.api.servicer import OptimizerServicer
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_runtime.service import Runtime, Service

SERVICE_NAME = "wattmesh.optimizer.v1.OptimizerService"


@asynccontextmanager
async def wire(settings: OptimizerSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Yield the service; its worker threads end with it."""
    defaults = SolveOptions(
        time_limit=timedelta(seconds=settings.solve_time_limit_seconds),
        gap_ratio=settings.solve_gap_ratio,
    )
    with ThreadPoolExecutor(settings.solve_threads, "solve") as workers:
        solve, simulate = SolvePlan(OrToolsSolver(), warm_starts=WarmStarts()), SimulatePlan()
        explain = ExplainPlan(solve, simulate)
        observer = PlanObserver(runtime.telemetry)
        servicer = OptimizerServicer(solve, explain, simulate, defaults, workers, observer)
        yield Service(
            name="optimizer",
            register=(
                lambda server: optimizer_pb2_grpc.add_OptimizerServiceServicer_to_server(
                    servicer, server
                ),
            ),
            service_names=(SERVICE_NAME,),
        )
