"""Who may speak OpenADR with this VTN."""

from dataclasses import dataclass
from enum import StrEnum


class ClientRole(StrEnum):
    """What a client is."""

    BUSINESS = "business"
    """Business logic: calls, changes and calls off events."""
    VEN = "ven"
    """A virtual end node: reads what is for it, reports."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A client with the SHA-256 of its secret, as hexadecimal digits."""

    client_id: str
    role: ClientRole
    secret_sha256: str


BUSINESS_SCOPES = ("read_all", "read_bl", "write_events", "write_vens", "write_subscriptions")
VEN_SCOPES = (
    "read_targets",
    "read_ven_objects",
    "write_reports",
    "write_vens",
    "write_subscriptions",
)
