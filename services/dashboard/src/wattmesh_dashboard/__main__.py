"""`python -m wattmesh_dashboard`: settings, wiring, serve."""

from wattmesh_dashboard.settings import DashboardSettings
from wattmesh_dashboard.wiring import wire
from wattmesh_runtime.service import run_service


def main() -> None:
    """Serve until told to stop."""
    run_service(DashboardSettings, wire)


if __name__ == "__main__":
    main()
