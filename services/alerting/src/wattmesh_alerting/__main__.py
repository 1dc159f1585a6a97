"""`python -m wattmesh_alerting`: settings, wiring, serve."""

from wattmesh_alerting.settings import AlertingSettings
from wattmesh_alerting.wiring import wire
from wattmesh_runtime.service import run_service


def main() -> None:
    """Serve until told to stop."""
    run_service(AlertingSettings, wire)


if __name__ == "__main__":
    main()
