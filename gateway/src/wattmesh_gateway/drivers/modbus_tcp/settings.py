"""What the Modbus driver is told by the environment."""

from pydantic import Field

from wattmesh_runtime.settings import ServiceSettings


class ModbusSettings(ServiceSettings):
    """Settings of the Modbus driver."""

    modbus_timeout_seconds: float = Field(default=1.0, gt=0)
    """How long a Modbus device may take to answer [s of the wall]."""
