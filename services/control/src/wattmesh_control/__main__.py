"""`python -m wattmesh_control`."""

from wattmesh_control.settings import ControlSettings
from wattmesh_control.wiring import wire
from wattmesh_runtime.service import run_service

if __name__ == "__main__":
    run_service(ControlSettings, wire)
