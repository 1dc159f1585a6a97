"""Settings of carbon."""

from wattmesh_runtime.settings import ServiceSettings


class CarbonSettings(ServiceSettings):
    """What carbon is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `carbon` is carbon's own."""
