"""`python -m wattmesh_optimizer`: serve until SIGTERM."""

from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_optimizer.wiring import wire
from wattmesh_runtime.service import run_service

if __name__ == "__main__":
    run_service(OptimizerSettings, wire)
