"""Devices on Modbus TCP: one server and port per site, one unit id per device."""

import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from wattmesh_twin.adapters.sunspec.device import DeviceFailure, RefusedValue, SunSpecDevice
from wattmesh_twin.adapters.sunspec.register_map import BASE_ADDRESS

_log = logging.getLogger(__name__)
_PYMODBUS_LOG = "pymodbus.logging"


class ModbusSite:
    """Serves a site's devices on one port while the context is open.

    Every read sees the state at the moment of the read: registers are made for it, not refreshed
    by a timer.
    """

    def __init__(self, devices: Sequence[SunSpecDevice], host: str, port: int) -> None:
        self._devices = devices
        self._address = (host, port)
        self._server: ModbusTcpServer | None = None

    async def __aenter__(self) -> Self:
        logging.getLogger(_PYMODBUS_LOG).setLevel(logging.WARNING)  # it announces every listener
        devices = [_sim_device(device) for device in self._devices]
        self._server = ModbusTcpServer(devices, address=self._address)
        await self._server.serve_forever(background=True)
        _log.info("Modbus TCP on %s:%d for %d devices", *self._address, len(devices))
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]


def _sim_device(device: SunSpecDevice) -> SimDevice:
    async def action(
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        offset = address - start_address
        try:
            if set_values is not None:
                device.write(offset, [int(value) for value in set_values])
            registers = device.read(range(offset, offset + count))
        except RefusedValue:
            return ExcCodes.ILLEGAL_VALUE
        except DeviceFailure:
            return ExcCodes.DEVICE_FAILURE
        current_registers[: len(registers)] = registers
        return None

    return SimDevice(id=device.unit_id, simdata=_sim_data(device), action=action)


def _sim_data(device: SunSpecDevice) -> list[SimData]:
    """Return one block per run of registers that are all writable or all read-only."""
    writable, template = device.writable(), device.template
    base = getattr(device, "base_address", BASE_ADDRESS)
    blocks: list[SimData] = []
    start = 0
    for end in range(1, len(template) + 1):
        if end == len(template) or (end in writable) != (start in writable):
            blocks.append(
                SimData(
                    address=base + start,
                    values=template[start:end],
                    datatype=DataType.REGISTERS,
                    readonly=start not in writable,
                )
            )
            start = end
    return blocks
