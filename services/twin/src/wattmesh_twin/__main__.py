"""Run the twin: `python -m wattmesh_twin`."""

from wattmesh_runtime.service import run_service
from wattmesh_twin.settings import TwinSettings
from wattmesh_twin.wiring import wire

if __name__ == "__main__":
    run_service(TwinSettings, wire)
