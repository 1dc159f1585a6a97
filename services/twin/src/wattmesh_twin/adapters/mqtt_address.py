"""Where the broker is and as whom to speak to it: `mqtt[s]://[user:password@]host[:port]`."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import aiomqtt

from wattmesh_kernel.errors import InvalidArgument

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttAddress:
    """A broker, and a name and password at it, where it asks for them."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None = field(repr=False)

    def client(self, identifier: str) -> aiomqtt.Client:
        """Return a connection that is not open yet.

        With TLS the machine's authorities vouch for the broker, or those in the file that the
        variable SSL_CERT_FILE names; it is read at each connection.
        """
        return aiomqtt.Client(
            self.host,
            self.port,
            identifier=identifier,
            username=self.username,
            password=self.password,
            clean_session=True,
            tls_context=ssl.create_default_context() if self.tls else None,
        )


def parse_mqtt_address(url: str) -> MqttAddress:
    """Return what a URL says. Error: InvalidArgument `INVALID_URL`."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise InvalidArgument(
            "INVALID_URL", "expected mqtt://host:port or mqtts://host:port", field="mqtt_url"
        )
    return MqttAddress(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
