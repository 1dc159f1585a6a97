"""`python -m wattmesh_carbon`: settings, wiring, serve."""

from wattmesh_carbon.settings import CarbonSettings
from wattmesh_carbon.wiring import wire
from wattmesh_runtime.service import run_service


def main() -> None:
    """Serve until told to stop."""
    run_service(CarbonSettings, wire)


if __name__ == "__main__":
    main()
