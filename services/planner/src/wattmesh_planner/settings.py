"""Settings of the planner."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from wattmesh_runtime.settings import ServiceSettings


class PlannerSettings(ServiceSettings):
    """What the planner is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `planner` is the planner's own."""
    metering_target: str
    forecast_target: str
    carbon_target: str
    optimizer_target: str
    control_target: str
    usage_target: str | None = None
    """Where charging sessions are known; none: charge points are not planned."""
    demandresponse_target: str | None = None
    """Where events of demand response are known; none: plans know of none."""
    site_model_file: Path | None = None
    """Where the last known site model is kept over a restart; none: nowhere."""
    plan_resolution: timedelta = timedelta(hours=1)
    """Length of an interval, ISO 8601, e.g. PT15M."""
    plan_horizon: timedelta = timedelta(hours=24)
    """How far a plan reaches."""
    plan_lead: timedelta = timedelta(minutes=5)
    """How long before its first interval a plan is computed, at the earliest."""
    state_fresh_age: timedelta = timedelta(hours=1)
    """Until this age a reported state is believed as it is; two reporting intervals if longer."""
    state_usable_age: timedelta = timedelta(hours=24)
    """Until this age a reported state is carried on along what the device was told to do."""
    solve_time_limit: timedelta = timedelta(seconds=5)
    """Wall time after which the optimizer answers with the best plan so far."""
    solve_gap_ratio: float = Field(default=0.001, ge=0, le=0.1)
    """How far from the best a plan with integer decisions may be when solving stops."""
    forecast_deadline_seconds: float = Field(default=30.0, gt=0)
    """Most wall time for the forecast service, which gets half of the lead that is left [s]."""
    carbon_deadline_seconds: float = Field(default=2.0, gt=0)
    """Wall time after which a plan is made without carbon intensity [s]."""
    usage_deadline_seconds: float = Field(default=2.0, gt=0)
    """Wall time for each question to the usage service [s]."""
    carbon_price_per_kg: float = Field(default=0.0, ge=0)
    """What a kilogram of CO2e counts in a plan, beside the bill [currency/kg]."""
