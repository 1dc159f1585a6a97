"""Settings of demand response."""

from pathlib import Path

from wattmesh_runtime.settings import ServiceSettings


class DemandResponseSettings(ServiceSettings):
    """What demand response is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `demandresponse` is demand response's own."""
    metering_target: str
    """Where metering serves: what was metered, and the site model."""
    control_target: str | None = None
    """Where control serves, which has limits of events kept; none: only plans know of them."""
    site_model_file: Path | None = None
    """Where the last known site model is kept for the next start; None: nowhere."""
