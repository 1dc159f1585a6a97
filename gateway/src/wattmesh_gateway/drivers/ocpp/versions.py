"""The versions of OCPP that are spoken, by the name of their websocket subprotocol."""

from collections.abc import Mapping
from types import MappingProxyType

from wattmesh_gateway.drivers.ocpp.dialect import Dialect
from wattmesh_gateway.drivers.ocpp.v16 import V16
from wattmesh_gateway.drivers.ocpp.v201 import V201

DIALECTS: Mapping[str, Dialect] = MappingProxyType({"ocpp2.0.1": V201(), "ocpp1.6": V16()})
"""The newer one first: it is taken where a charge point offers both."""
