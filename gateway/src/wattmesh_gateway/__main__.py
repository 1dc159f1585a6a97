"""`python -m wattmesh_gateway`."""

from wattmesh_gateway.settings import GatewaySettings
from wattmesh_gateway.wiring import wire
from wattmesh_runtime.service import run_service


def main() -> None:
    """Run the gateway until SIGTERM or SIGINT."""
    run_service(GatewaySettings, wire)


if __name__ == "__main__":
    main()
