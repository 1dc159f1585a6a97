"""Settings of the dashboard."""

from pathlib import Path

from wattmesh_runtime.settings import ServiceSettings

BUNDLE = Path(__file__).parent / "bundle"
"""Where `make setup` puts what the browser loads."""


class DashboardSettings(ServiceSettings):
    """What the dashboard is told by its environment, besides what every service is."""

    web_address: str = "127.0.0.1:0"
    """host:port on which browsers find it; port 0 takes a free one, and the log says which."""
    session_file: Path | None = None
    """JSON with the one `session` that a browser must show, and the `api_key` that is shown to the
    services for it; None: its own `authorization` goes on to them, else the dashboard's identity.
    """
    bundle_folder: Path = BUNDLE
    """The built pages."""
    metering_target: str
    """Where metering serves: sites, readings, prices."""
    planner_target: str
    control_target: str
    forecast_target: str
    carbon_target: str
    optimizer_target: str
    """Where the optimizer serves: it says why a plan is as it is."""
    analytics_target: str
    usage_target: str
    alerting_target: str
    identity_target: str | None = None
    """Where users are managed, for pages: this process's own gRPC address, which asks who calls.
    None: pages do not show users."""
    site_model_file: Path | None = None
    """Where the last known site model is kept for the next start; None: nowhere."""
