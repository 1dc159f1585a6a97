"""Settings of alerting."""

from pathlib import Path

from pydantic import Field

from wattmesh_runtime.settings import ServiceSettings


class AlertingSettings(ServiceSettings):
    """What alerting is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `alerting` is alerting's own."""
    metering_target: str
    """Where metering serves: readings, energies, tariffs, and the site model."""
    control_target: str
    """Where control serves: events of devices, lines to gateways, stops, limits."""
    planner_target: str
    """Where the planner serves: plans and scopes."""
    forecast_target: str
    """Where forecast serves: how forecasts came out."""
    analytics_target: str
    """Where analytics serves: footprints."""
    alertmanager_target: str | None = None
    """Where Prometheus Alertmanager listens, host:port or a URL; None: alerts are sent nowhere."""
    look_seconds: float = Field(default=15.0, gt=0)
    """How often what cannot be watched is asked for [s of the wall]."""
    forecast_hours: float = Field(default=12.0, ge=0)
    """How often forecasts of a site are judged [h of the mesh's clock]; 0: never."""
    site_model_file: Path | None = None
    """Where the last known site model is kept for the next start; None: nowhere."""
