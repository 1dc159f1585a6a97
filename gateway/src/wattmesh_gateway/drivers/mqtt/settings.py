"""What the MQTT driver is told by the environment."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from wattmesh_gateway.drivers.mqtt.broker import Broker, BrokerTrust, parse_broker
from wattmesh_runtime.settings import ServiceSettings


class MqttSettings(ServiceSettings):
    """Settings of the MQTT driver."""

    mqtt_url: str
    """`mqtt://[user:password@]host[:port]`; `mqtts://` for TLS."""
    mqtt_ca_file: Path | None = None
    """Who vouches for a broker of one's own; else the machine's authorities do."""
    mqtt_certificate_file: Path | None = None
    """What the gateway shows to a broker that asks for a certificate; with its key."""
    mqtt_key_file: Path | None = None

    @property
    def broker(self) -> Broker:
        """Where the broker is, and how it is trusted."""
        trust = BrokerTrust(
            ca_file=self.mqtt_ca_file,
            certificate_file=self.mqtt_certificate_file,
            key_file=self.mqtt_key_file,
        )
        return parse_broker(self.mqtt_url, trust)

    @model_validator(mode="after")
    def _is_a_broker(self) -> Self:
        if (self.mqtt_certificate_file is None) != (self.mqtt_key_file is None):
            raise ValueError("mqtt_certificate_file and mqtt_key_file come together")
        broker = self.broker
        try:
            if broker.tls:
                broker.trust.context()
        except OSError as error:  # at the start, not at the first connection
            raise ValueError(f"the files for TLS with the broker cannot be used: {error}") from None
        return self
