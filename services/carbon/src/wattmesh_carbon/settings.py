"""Settings of carbon."""

from pathlib import Path

from wattmesh_runtime.settings import ServiceSettings


class CarbonSettings(ServiceSettings):
    """What carbon is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `carbon` is carbon's own."""
    sources_file: Path | None = None
    """A JSON file that says where intensities come from; None: whoever publishes them."""
