"""Settings of demand response."""

from pathlib import Path

from pydantic import Field, SecretStr

from wattmesh_runtime.settings import ServiceSettings


class DemandResponseSettings(ServiceSettings):
    """What demand response is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `demandresponse` is demand response's own."""
    metering_target: str
    """Where metering serves: what was metered, and the site model."""
    control_target: str | None = None
    """Where control serves, which has limits of events kept; none: only plans know of them."""
    openadr_listen_address: str | None = None
    """host:port on which the VTN serves OpenADR over HTTP; none: it does not."""
    openadr_clients_file: Path | None = None
    """Who may speak with the VTN: JSON list of client_id, role and secret_sha256."""
    openadr_vtn_url: str | None = None
    """Base URL of somebody else's VTN, in whose programmes ours take part; none: nobody's."""
    openadr_vtn_token_url: str | None = None
    """Where it gives tokens; none: as it says itself."""
    openadr_vtn_client_id: str = ""
    openadr_vtn_client_secret: SecretStr = SecretStr("")
    openadr_poll_seconds: float = Field(default=30.0, gt=0)
    """How often it is asked [s of the wall]."""
    site_model_file: Path | None = None
    """Where the last known site model is kept for the next start; None: nowhere."""
