"""A wallbox on Modbus TCP, with the registers of an Amperfied Energy Control.

Source of the addresses: Amperfied, Energy Control, Modbus register table of 2021-02-22. Input
registers and holding registers lie in one space, as nothing is at one address in both.
"""

import logging
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from wattmesh_twin.app.run_charger import ChargerTwin, Look
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A, VOLTAGE_V
from wattmesh_twin.domain.watched_limit import WatchedLimit

log = logging.getLogger(__name__)

UNIT = 1
_FIRST, _LAST = 4, 262
_LAYOUT, _STATE, _CURRENTS, _VOLTAGES, _POWER, _ENERGY = 4, 5, 6, 10, 14, 17
_MOST, _LEAST = 100, 101
_WATCHDOG, _STANDBY, _LIMIT, _FAILSAFE = 257, 258, 261, 262
_FREE, _WAITING, _CHARGING = 2, 4, 7
_BOUNDS = {_WATCHDOG: (0, 65535), _STANDBY: (0, 4), _LIMIT: (0, 160), _FAILSAFE: (0, 160)}


class WallboxTwin:
    """Serves the wallbox while the context is open; a read sees the moment of the read."""

    def __init__(self, twin: ChargerTwin, limit: WatchedLimit, host: str, port: int) -> None:
        self._twin = twin
        self._limit = limit
        self._address = (host, port)
        self._standby = 4
        self._server: ModbusTcpServer | None = None

    async def __aenter__(self) -> Self:
        logging.getLogger("pymodbus.logging").setLevel(logging.WARNING)
        data = SimData(
            address=_FIRST, values=[0] * (_LAST - _FIRST + 1), datatype=DataType.REGISTERS
        )
        device = SimDevice(id=UNIT, simdata=[data], action=self._action)
        self._server = ModbusTcpServer([device], address=self._address)
        await self._server.serve_forever(background=True)
        log.info("wallbox on %s:%d", *self._address)
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
        self._offer(self._limit.talked_to(self._twin.clock.now()))
        for offset, value in enumerate(set_values or ()):
            if not self._write(address + offset, int(value)):
                return ExcCodes.ILLEGAL_VALUE
        for register, value in self._registers(self._twin.look()).items():
            current_registers[register - start_address] = value
        return None

    def _write(self, register: int, value: int) -> bool:
        """Take a value in; return whether it may be written."""
        low, high = _BOUNDS.get(register, (1, 0))
        too_little = register in (_LIMIT, _FAILSAFE) and 0 < value < 10 * LEAST_CURRENT_A
        if not low <= value <= high or too_little:
            return False
        match register:
            case 257:
                self._offer(replace(self._limit, watchdog=timedelta(milliseconds=value)))
            case 261:
                self._offer(replace(self._limit, set_a=value / 10))
            case 262:
                self._offer(replace(self._limit, failsafe_a=value / 10))
            case _:
                self._standby = value
        return True

    def _offer(self, limit: WatchedLimit) -> None:
        self._limit = limit
        self._twin.offer(limit)

    def _registers(self, look: Look) -> dict[int, int]:
        visit = look.state.visit
        phases = visit.vehicle.phases if visit else 0
        currents = [round(10 * look.current_a) if phase < phases else 0 for phase in range(3)]
        energy = int(look.state.import_wh)
        state = _FREE if visit is None else _CHARGING if look.power_w > 0 else _WAITING
        return {
            _LAYOUT: 0x108,
            _STATE: state,
            **{_CURRENTS + phase: current for phase, current in enumerate(currents)},
            **{_VOLTAGES + phase: int(VOLTAGE_V) for phase in range(3)},
            _POWER: round(look.power_w),
            _ENERGY: energy >> 16,
            _ENERGY + 1: energy & 0xFFFF,
            _MOST: round(self._limit.max_current_a),
            _LEAST: round(LEAST_CURRENT_A),
            _WATCHDOG: self._limit.watchdog // timedelta(milliseconds=1),
            _STANDBY: self._standby,
            _LIMIT: round(10 * self._limit.set_a),
            _FAILSAFE: round(10 * self._limit.failsafe_a),
        }
