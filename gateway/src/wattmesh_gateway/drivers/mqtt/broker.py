"""Where the MQTT broker is, and how each side knows that the other is the right one."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerTrust:
    """Files for TLS: who vouches for the broker, and what the gateway shows of itself.

    Without `ca_file` the machine's own authorities vouch. The files are read at each connection,
    so that renewed ones count from the next.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return how to speak TLS; OSError when a file cannot be read or is none of its kind."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """Where the MQTT broker is, and as whom to talk to it."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None
    trust: BrokerTrust = field(default_factory=BrokerTrust)

    def __str__(self) -> str:
        return f"MQTT broker {self.host}:{self.port}"


def parse_broker(url: str, trust: BrokerTrust | None = None) -> Broker:
    """Return the broker of `mqtt://[user:password@]host[:port]`, or `mqtts://` for TLS.

    Error: ValueError when the URL is neither, or when plaintext is to be trusted by files.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("must look like mqtt://host:port or mqtts://host:port")
    tls = parts.scheme == "mqtts"
    if not tls and trust is not None and trust != BrokerTrust():
        raise ValueError("files for TLS are given, and the URL is mqtt://, which has none")
    return Broker(
        host=parts.hostname,
        port=parts.port or (8883 if tls else 1883),
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        trust=trust or BrokerTrust(),
    )
