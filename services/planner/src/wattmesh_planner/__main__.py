"""`python -m wattmesh_planner`: settings, wiring, serve."""

from wattmesh_planner.settings import PlannerSettings
from wattmesh_planner.wiring import wire
from wattmesh_runtime.service import run_service


def main() -> None:
    """Serve until told to stop."""
    run_service(PlannerSettings, wire)


if __name__ == "__main__":
    main()
