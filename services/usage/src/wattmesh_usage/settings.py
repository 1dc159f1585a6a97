"""Settings of usage."""

from datetime import timedelta

from wattmesh_runtime.settings import ServiceSettings


class UsageSettings(ServiceSettings):
    """What usage is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `usage` is usage's own."""
    metering_target: str
    """Where the site model is followed: the time zones of sites."""
    expiry_interval: timedelta = timedelta(seconds=30)
    """How often needs are looked for whose time has come."""
