"""Where services are, as whom to call them, and how long to wait: the same for both clients."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

DEADLINE_SECONDS = 10.0
"""Of a call that names none [s]."""

_RETRIES = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    # CANCELLED: the server stopped as the call arrived, and nobody took it up.
                    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
                },
            }
        ],
    }
)
_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", _RETRIES),
    ("grpc.max_receive_message_length", 64 * 2**20),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)

Token = str | Callable[[], str]
"""An access token or API key, or what gives the present one."""


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """PEM files: whom to trust, and what to show (both of the last, or neither)."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach a mesh.

    `targets` says host:port by service (`metering`, `planner`, …), or is one text with `{service}`
    in it, as `{service}.wattmesh:50051`. Without `certificates` it is spoken in plaintext.
    """

    targets: str | Mapping[str, str]
    token: Token | None = None
    certificates: Certificates | None = None
    deadline_seconds: float = DEADLINE_SECONDS
    options: tuple[tuple[str, Any], ...] = field(default=())
    """Of gRPC, further ones."""

    @classmethod
    def local(cls, state: Path | str = ".wattmesh") -> Connection:
        """Return the way to the mesh that `wattmesh up` runs on this machine."""
        found = json.loads((Path(state) / "run/mesh.json").read_text())
        shown = found.get("identity")
        certificates = None
        if shown is not None:
            folder = Path(shown)
            certificates = Certificates(
                ca=folder / "ca.crt", certificate=folder / "tls.crt", key=folder / "tls.key"
            )
        return cls(targets=found["targets"], certificates=certificates)

    def target(self, service: str) -> str:
        """Return where a service is. Error: KeyError."""
        if isinstance(self.targets, str):
            return self.targets.format(service=service)
        return self.targets[service]

    @property
    def channel_options(self) -> list[tuple[str, Any]]:
        """The options of every channel."""
        return [*_OPTIONS, *self.options]

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Return what channels trust and show; None: plaintext."""
        files = self.certificates
        if files is None:
            return None
        shown = [
            None if each is None else each.read_bytes() for each in (files.key, files.certificate)
        ]
        return grpc.ssl_channel_credentials(files.ca.read_bytes(), *shown)

    def metadata(self, given: Any) -> list[tuple[str, str]]:
        """Return a call's metadata with who calls and an id to find it by."""
        entries = list(given or ())
        if all(key != "x-request-id" for key, _ in entries):
            entries.append(("x-request-id", uuid.uuid4().hex))
        token = self.token() if callable(self.token) else self.token
        if token:
            entries.append(("authorization", f"Bearer {token}"))
        return entries


def made_repeatable(request: Any) -> None:
    """Give a request that creates or commands an id: then a repeat changes nothing."""
    if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
        request.request_id = uuid.uuid4().hex


def resumed(request: Any, last: Any) -> Any:
    """Return the request with which a watch goes on behind the last answer, where it can say so."""
    if "known_revision" not in request.DESCRIPTOR.fields_by_name or last is None:
        return request
    following = type(request)()
    following.CopyFrom(request)
    following.known_revision = last.revision
    return following


def items_of(response: Any) -> Any:
    """Return what a page lists: its one repeated field of messages."""
    lists = [each for each in response.DESCRIPTOR.fields if each.is_repeated and each.message_type]
    if len(lists) != 1:
        raise TypeError(f"{response.DESCRIPTOR.name} is no page of a list")
    return getattr(response, lists[0].name)
