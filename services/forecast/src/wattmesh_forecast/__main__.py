"""`python -m wattmesh_forecast`: settings, wiring, serve."""

from wattmesh_forecast.settings import ForecastSettings
from wattmesh_forecast.wiring import wire
from wattmesh_runtime.service import run_service


def main() -> None:
    """Serve until told to stop."""
    run_service(ForecastSettings, wire)


if __name__ == "__main__":
    main()
