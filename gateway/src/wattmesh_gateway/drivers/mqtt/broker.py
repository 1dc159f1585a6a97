"""Where the MQTT broker is."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """Where the MQTT broker is, and as whom to talk to it."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    def __str__(self) -> str:
        return f"MQTT broker {self.host}:{self.port}"


def parse_broker(url: str) -> Broker:
    """Return the broker of `mqtt://[user:password@]host[:port]`, or `mqtts://` for TLS.

    Error: ValueError when the URL is neither.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("must look like mqtt://host:port or mqtts://host:port")
    tls = parts.scheme == "mqtts"
    return Broker(
        host=parts.hostname,
        port=parts.port or (8883 if tls else 1883),
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
