"""`python -m wattmesh_demandresponse`: settings, wiring, serve."""

from wattmesh_demandresponse.settings import DemandResponseSettings
from wattmesh_demandresponse.wiring import wire
from wattmesh_runtime.service import run_service


def main() -> None:
    """Serve until told to stop."""
    run_service(DemandResponseSettings, wire)


if __name__ == "__main__":
    main()
