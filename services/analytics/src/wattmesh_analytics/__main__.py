"""`python -m wattmesh_analytics`: settings, wiring, serve."""

from wattmesh_analytics.settings import AnalyticsSettings
from wattmesh_analytics.wiring import wire
from wattmesh_runtime.service import run_service


def main() -> None:
    """Serve until told to stop."""
    run_service(AnalyticsSettings, wire)


if __name__ == "__main__":
    main()
