"""Settings of analytics."""

from pathlib import Path

from pydantic import Field

from wattmesh_runtime.settings import ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """What analytics is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `analytics` is analytics' own."""
    metering_target: str
    """Where metering serves: readings, tariffs and the site model come from there."""
    carbon_target: str
    """Where carbon serves."""
    optimizer_target: str
    """Where the optimizer serves, by which scenarios are solved."""
    usage_target: str | None = None
    """Where usage serves: stays at charge points, wishes of zones; None: nobody is asked."""
    forecast_target: str | None = None
    """Where forecast serves: how zones answer, skill of forecasts; None: nobody is asked."""
    demandresponse_target: str | None = None
    """Where demand response serves: what events paid; None: nobody is asked."""
    planner_target: str | None = None
    """Where the planner serves: what was planned; None: nobody is asked."""
    control_target: str | None = None
    """Where control serves: effects of commands, when devices were away; None: nobody is asked."""
    settle_hours: float = Field(default=6.0, ge=0)
    """How often days are looked at that readings have changed [h of the mesh's clock]; 0: never."""
    reports_file: Path | None = None
    """A JSON file that says which reports are made each month, and for whom; None: none are."""
    report_hours: float = Field(default=6.0, ge=0, le=240)
    """How long after a month's end its reports are made [h of the mesh's clock]."""
    site_model_file: Path | None = None
    """Where the last known site model is kept for the next start; None: nowhere."""
