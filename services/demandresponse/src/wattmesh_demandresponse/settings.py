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
    openadr_call_back_hosts: tuple[str, ...] = ()
    """Hosts at which the VTN's subscribers are called back, e.g. `*.example.org`; none: nobody."""
    openadr_call_back_url: str | None = None
    """Where somebody else's VTN of 3.1 reaches our web server, up to the port; none: we ask it."""
    openadr_vtn_url: str | None = None
    """Base URL of somebody else's VTN, in whose programmes ours take part; none: nobody's."""
    openadr_vtn_token_url: str | None = None
    """Where it gives tokens; none: as it says itself."""
    openadr_vtn_client_id: str = ""
    openadr_vtn_client_secret: SecretStr = SecretStr("")
    openadr2_vtn_url: str | None = None
    """URL of somebody else's VTN of OpenADR 2.0b, up to and with `/2.0b`; none: nobody's."""
    openadr2_ven_name: str = "wattmesh"
    """What this VEN calls itself there."""
    openadr2_certificate_file: Path | None = None
    """PEM: with what it shows and signs itself; with the key."""
    openadr2_key_file: Path | None = None
    openadr2_ca_file: Path | None = None
    """PEM: who signs the VTN's certificate for TLS; none: whom the machine trusts."""
    openadr2_vtn_fingerprint: str | None = None
    """The VTN's fingerprint (10 pairs), by which it signs; none: its messages need no signature."""
    openadr2_push_url: str | None = None
    """Where the VTN of 2.0b reaches our web server, up to the port; none: it is polled."""
    openadr_poll_seconds: float = Field(default=30.0, gt=0)
    """How often others' VTNs are asked [s of the wall], where they do not say it."""
    site_model_file: Path | None = None
    """Where the last known site model is kept for the next start; None: nowhere."""
