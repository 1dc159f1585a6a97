"""Settings of the operator of sites."""

from datetime import timedelta

from pydantic import Field

from wattmesh_runtime.settings import ServiceSettings


class SiteOperatorSettings(ServiceSettings):
    """What the operator is told by its environment, besides what every service is."""

    metering_target: str
    """Where SiteService serves."""
    namespace: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    """Whose resources are followed."""
    kubernetes_api: str | None = None
    """URL of an API server that asks nobody who calls; None: that of the pod's service account."""
    look_again: timedelta = timedelta(minutes=5)
    """How often a resource is compared with what is registered, though nobody changed it."""
    try_again: timedelta = timedelta(seconds=15)
    """After how long what could not be reached is tried again."""
