"""What the OCPP driver is told by the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from wattmesh_runtime.settings import ServiceSettings


class OcppSettings(ServiceSettings):
    """Settings of the OCPP driver."""

    ocpp_listen_address: str = ""
    """host:port on which charge points dial in, as `ws://host:port/<charge point id>`; empty: no
    charge point does."""
    ocpp_password: SecretStr | None = None
    """What charge points must give as password, by HTTP basic authentication; None: nothing."""
    ocpp_certificate_file: Path | None = None
    """PEM chain with which charge points are served over TLS (`wss://`)."""
    ocpp_key_file: Path | None = None
    ocpp_tokens: frozenset[str] = frozenset()
    """The tokens (id tags) that may charge, as a JSON list; empty: all."""
    ocpp_timeout_seconds: float = Field(default=10.0, gt=0)
    """How long a charge point may take to answer [s of the wall]."""

    @field_validator("ocpp_listen_address")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        host, _, port = address.rpartition(":")
        if address and not (host and port.isdecimal() and int(port) <= 65535):
            raise ValueError("must look like host:port")
        return address

    @model_validator(mode="after")
    def _ocpp_certificate_has_its_key(self) -> Self:
        if (self.ocpp_certificate_file is None) != (self.ocpp_key_file is None):
            raise ValueError("ocpp_certificate_file and ocpp_key_file belong together")
        return self
