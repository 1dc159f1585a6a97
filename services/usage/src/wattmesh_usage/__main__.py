"""`python -m wattmesh_usage`: settings, wiring, serve."""

from wattmesh_runtime.service import run_service
from wattmesh_usage.settings import UsageSettings
from wattmesh_usage.wiring import wire


def main() -> None:
    """Serve until told to stop."""
    run_service(UsageSettings, wire)


if __name__ == "__main__":
    main()
