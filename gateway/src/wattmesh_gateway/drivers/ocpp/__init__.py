"""OCPP 1.6 and 2.0.1: charge points dial in, and the gateway is their central system."""

from wattmesh_gateway.drivers.kind import DriverKind
from wattmesh_gateway.drivers.ocpp.driver import start_ocpp
from wattmesh_gateway.drivers.ocpp.schema import parse_ocpp_profile
from wattmesh_gateway.drivers.ocpp.settings import OcppSettings

OCPP: DriverKind[OcppSettings] = DriverKind(
    protocol="ocpp", schema=parse_ocpp_profile, start=start_ocpp
)

__all__ = ["OCPP"]
