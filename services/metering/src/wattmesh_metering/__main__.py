"""Runs metering: `python -m wattmesh_metering`."""

from wattmesh_metering.settings import MeteringSettings
from wattmesh_metering.wiring import wire
from wattmesh_runtime.service import run_service

if __name__ == "__main__":
    run_service(MeteringSettings, wire)
