"""A heat pump on Modbus TCP, with some of the registers of a NIBE of the S series.

Source of the addresses: evcc's template nibe-s-series for power and energy; NIBE's list of Modbus
registers of the S series for the rest: input 1 outdoor temperature BT1, input 26 room temperature
BT50, holding 206 room sensor set point of climate system 1 (5 to 30 °C), all in tenths of a degree.
Input and holding registers lie in one space, as nothing is at one address in both.
"""

import logging
from dataclasses import replace
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from wattmesh_twin.app.run_zone import ZoneLook, ZoneTwin
from wattmesh_twin.domain.zone import as_shown

log = logging.getLogger(__name__)

UNIT = 1
_LAST = 3824
_OUTDOOR, _ROOM, _POWER, _ENERGY, _SETPOINT = 1, 26, 2305, 3823, 206
_LEAST, _MOST = 50, 300


class HeatPumpTwin:
    """Serves the heat pump while the context is open; a read sees the moment of the read."""

    def __init__(self, twin: ZoneTwin, host: str, port: int) -> None:
        self._twin = twin
        self._address = (host, port)
        self._server: ModbusTcpServer | None = None

    async def __aenter__(self) -> Self:
        logging.getLogger("pymodbus.logging").setLevel(logging.WARNING)
        data = SimData(address=0, values=[0] * (_LAST + 1), datatype=DataType.REGISTERS)
        device = SimDevice(id=UNIT, simdata=[data], action=self._action)
        self._server = ModbusTcpServer([device], address=self._address)
        await self._server.serve_forever(background=True)
        log.info("heat pump on %s:%d", *self._address)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]

    async def _action(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        for offset, value in enumerate(set_values or ()):
            if address + offset != _SETPOINT or not _LEAST <= int(value) <= _MOST:
                return ExcCodes.ILLEGAL_VALUE
            # It has no timer: what it is told stays until it is told otherwise.
            orders = replace(self._twin.orders, setpoint_celsius=int(value) / 10.0)
            self._twin.order(replace(orders, setpoint_end=None))
        for register, number in _registers(self._twin.look()).items():
            current_registers[register - start_address] = number
        return None


def _registers(look: ZoneLook) -> dict[int, int]:
    energy = round(look.state.import_wh / 100.0)
    return {
        _OUTDOOR: _tenths(as_shown(look.outdoor_celsius)),
        _ROOM: _tenths(as_shown(look.state.interior_celsius)),
        _SETPOINT: _tenths(look.thermostat.setpoint_celsius),
        _POWER: round(look.state.power_w / 10.0),
        _ENERGY: energy & 0xFFFF,
        _ENERGY + 1: energy >> 16,
    }


def _tenths(celsius: float) -> int:
    """Return a temperature as a register holds it: two's complement of 16 bits."""
    return round(celsius * 10.0) & 0xFFFF
