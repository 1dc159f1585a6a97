"""What every service is told by its environment."""

from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Settings of a service, read from `WATTMESH_*` variables; each service adds its own."""

    model_config = SettingsConfigDict(env_prefix="WATTMESH_", frozen=True, extra="ignore")

    listen_address: str = "127.0.0.1:0"
    """host:port to serve on; port 0 takes a free one."""
    health_address: str | None = None
    """host:port of health alone, in plaintext, for a kubelet; None: only beside the services."""
    allow_plaintext: bool = False
    """Whether to serve without TLS on an address that others than this machine reach."""
    clock: str = "system"
    """`system`, or `scaled:<start>@<wall start>*<rate>` (wattmesh_kernel.clock)."""
    otlp_endpoint: str | None = None
    """OTLP gRPC endpoint for traces and metrics; without it nothing is sent."""
    trace_ratio: float = Field(default=1.0, ge=0, le=1)
    """The share of traces that are kept; of a loop's turn all services keep it, or none."""
    metrics_address: str | None = Field(default=None, pattern=r"^[^:]+:\d+$")
    """host:port of a page in plain HTTP from which Prometheus fetches metrics; None: no page."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["plain", "json"] = "plain"
    tls_certificate_file: Path | None = None
    """PEM chain of this service: served to callers, and shown to other services."""
    tls_key_file: Path | None = None
    tls_ca_file: Path | None = None
    """PEM roots. When given, channels trust only these and callers must show a certificate."""
    plaintext_targets: str = ""
    """Targets, by commas, that are called without TLS though there are certificates."""
    identity_domain: str = "mesh"
    """Trust domain of identities in certificates: `spiffe://mesh/…`."""
    principals_file: Path | None = None
    """JSON file of who is known, and their API keys; read again when it changes."""
    oidc_issuer: str | None = None
    """Issuer of access tokens, exactly as in them (`iss`)."""
    oidc_audience: str | None = None
    """Audience that a token must be for (`aud`)."""
    oidc_jwks_file: Path | None = None
    """The issuer's public keys (JWKS); read again when it changes."""
    audit_file: Path | None = None
    """Where calls that could change something are written down, with who made them."""
    grace_seconds: float = Field(default=5.0, ge=0)
    """How long calls in flight may go on after the stop signal [s]."""
    shutdown_notice_seconds: float = Field(default=0.2, ge=0)
    """How long health says NOT_SERVING before new calls are refused [s]."""
    max_connection_age_seconds: float = Field(default=300, gt=0)
    """Age at which a connection is recycled, so that callers find new back ends [s]."""

    largest_request_bytes: int = Field(default=16 * 2**20, ge=2**12)
    """A longer request is refused before it is read: a message takes many times as much room as
    the bytes that describe it."""
    calls_at_once: int = Field(default=200, ge=1)
    """Unary calls served at a time; further ones wait."""
    calls_at_once_per_caller: int = Field(default=100, ge=1)
    """Of them those of one caller: a principal, or a connection of whoever has no name here."""
    calls_waiting: int = Field(default=2000, ge=0)
    """Unary calls that wait for their turn; further ones are RESOURCE_EXHAUSTED."""
    calls_waiting_per_caller: int = Field(default=1000, ge=0)
    """Of them those of one caller."""
    streams_at_once: int = Field(default=4000, ge=1)
    """Streams open at a time; further ones are RESOURCE_EXHAUSTED."""
    streams_at_once_per_caller: int = Field(default=500, ge=1)
    """Of them those of one caller."""
    database_statement_seconds: float = Field(default=30, gt=0)
    """What a statement may take before the database ends it [s]."""
    database_lock_seconds: float = Field(default=10, gt=0)
    """What a statement may wait for a lock [s]."""

    database_migrations: Literal["apply", "check"] = "apply"
    """Whether a start changes the schema, or waits until a job with more rights has done so."""

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_certificate_file and tls_key_file belong together")
        return self

    @model_validator(mode="after")
    def _tokens_are_whole(self) -> Self:
        parts = (self.oidc_issuer, self.oidc_audience, self.oidc_jwks_file)
        if any(part is None for part in parts) != all(part is None for part in parts):
            raise ValueError("oidc_issuer, oidc_audience and oidc_jwks_file belong together")
        return self

    @model_validator(mode="after")
    def _nothing_in_plaintext_for_others(self) -> Self:
        secured = self.tls_certificate_file is not None or self.allow_plaintext
        if not secured and not is_loopback(self.listen_address):
            raise ValueError(
                f"{self.listen_address} is reached by others: give it certificates (tls_…_file),"
                " or say allow_plaintext=true"
            )
        return self


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches host:port; a name other than localhost counts as not."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost" or address.startswith("unix:"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
