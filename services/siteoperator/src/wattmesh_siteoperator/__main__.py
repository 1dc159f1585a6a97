"""`python -m wattmesh_siteoperator`: settings, wiring, serve."""

from wattmesh_runtime.service import run_service
from wattmesh_siteoperator.settings import SiteOperatorSettings
from wattmesh_siteoperator.wiring import wire


def main() -> None:
    """Serve until told to stop."""
    run_service(SiteOperatorSettings, wire)


if __name__ == "__main__":
    main()
