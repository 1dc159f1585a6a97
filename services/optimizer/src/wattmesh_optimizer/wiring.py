"""Builds the optimizer: workers and servicer."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wattmesh.optimizer.v1 import optimizer_pb2_grpc
from wattmesh_optimizer.adapters.worker_pool import PoolLimits, WorkerPool
from wattmesh_optimizer.api.observation import PlanObserver
from wattmesh_optimizer.api.servicer import OptimizerServicer
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_runtime.service import Runtime, Service

SERVICE_NAME = "wattmesh.optimizer.v1.OptimizerService"


@asynccontextmanager
async def wire(settings: OptimizerSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Yield the service; its worker processes end with it."""
    limits = PoolLimits(
        quick_places=settings.solve_processes, long_places=settings.solve_long_processes
    )
    async with WorkerPool(worker_command(settings), limits) as workers:
        observer = PlanObserver(runtime.telemetry)
        servicer = OptimizerServicer(workers, settings.solve_longest_seconds, observer)
        yield Service(
            name="optimizer",
            register=(
                lambda server: optimizer_pb2_grpc.add_OptimizerServiceServicer_to_server(
                    servicer, server
                ),
            ),
            service_names=(SERVICE_NAME,),
        )


def worker_command(settings: OptimizerSettings) -> tuple[str, ...]:
    """Return how the process whose forks solve is started, without its socket's number."""
    given = {
        "--memory-bytes": settings.solve_memory_bytes,
        "--time-limit-seconds": settings.solve_time_limit_seconds,
        "--gap-ratio": settings.solve_gap_ratio,
        "--log-level": settings.log_level,
        "--log-format": settings.log_format,
    }
    options = (str(part) for option in given.items() for part in option)
    return (sys.executable, "-m", "wattmesh_optimizer.worker", *options)
