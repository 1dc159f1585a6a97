"""A small SunSpec device on a real Modbus TCP server: registers by model and point name."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, cast

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from wattmesh_gateway.drivers.modbus_tcp.sunspec_models import sunspec_model

_SIZES = {1: 0xFFFF, 2: 0xFFFF_FFFF, 4: 0xFFFF_FFFF_FFFF_FFFF}

Point = tuple[int, str]


class FakeUnit:
    """Registers from `base` on. `refuse` says which write is answered with which exception."""

    def __init__(self, unit_id: int, registers: Sequence[int], base: int) -> None:
        self.unit_id = unit_id
        self.base = base
        self.registers = list(registers)
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, list[int]]] = []
        self.refuse: Callable[[int, Sequence[int] | None], ExcCodes | None] = lambda *_: None
        self.on_write: Callable[[], None] = lambda: None

    async def action(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        values = None if set_values is None else [int(value) for value in set_values]
        refused = self.refuse(address, values)
        if refused is not None:
            return refused
        if values is None:
            self.reads.append((address, count))
        else:
            self.writes.append((address, values))
            self.registers[address - self.base : address - self.base + count] = values
            self.on_write()
            # The server stores what was written after this: it must not undo `on_write`.
            cast("list[int]", set_values)[:] = self._words(address, count)
        current_registers[: len(self.registers)] = self.registers
        return None

    def _words(self, address: int, count: int) -> list[int]:
        return self.registers[address - self.base : address - self.base + count]


class SunSpecUnit(FakeUnit):
    """A unit with these models; a point nobody sets is not implemented."""

    def __init__(
        self,
        unit_id: int,
        models: Sequence[int],
        values: Mapping[Point, int],
        base: int = 40000,
    ) -> None:
        self._offsets: dict[Point, tuple[int, int]] = {}
        registers = [0x5375, 0x6E53]
        for model_id in models:
            registers += self._model(model_id, len(registers))
        super().__init__(unit_id, [*registers, 0xFFFF, 0], base)
        for point, value in values.items():
            self.put(point, value)

    def put(self, point: Point, value: int) -> None:
        """Set a point's raw value."""
        offset, size = self._offsets[point]
        unsigned = value & _SIZES[size]
        self.registers[offset : offset + size] = [
            (unsigned >> (16 * (size - 1 - index))) & 0xFFFF for index in range(size)
        ]

    def get(self, point: Point) -> int:
        """Return a point's raw value, unsigned."""
        offset, size = self._offsets[point]
        value = 0
        for word in self.registers[offset : offset + size]:
            value = (value << 16) | word
        return value

    def address(self, point: Point) -> int:
        """Return the register address of a point."""
        return self.base + self._offsets[point][0]

    def _model(self, model_id: int, at: int) -> list[int]:
        model = sunspec_model(model_id)
        assert model is not None
        words: list[int] = []
        for name, field in model.fields.items():
            self._offsets[model_id, name] = (at + field.offset, field.size)
            words += _not_implemented(field.type, field.size)
        words[0], words[1] = model_id, len(words) - 2
        return words


class ModbusServer:
    """Serves units on one port of loopback; `stop` and `start` lose and find it again."""

    def __init__(self, *units: FakeUnit, port: int = 0) -> None:
        self._units = units
        self.port = port
        self._server: ModbusTcpServer | None = None
        self.connections = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        devices = [
            SimDevice(
                id=unit.unit_id,
                simdata=[
                    SimData(
                        address=unit.base,
                        values=list(unit.registers),
                        datatype=DataType.REGISTERS,
                    )
                ],
                action=unit.action,
            )
            for unit in self._units
        ]
        self._server = ModbusTcpServer(
            devices, address=("127.0.0.1", self.port), trace_connect=self._count
        )
        await self._server.serve_forever(background=True)
        listener = cast("asyncio.Server", self._server.transport)
        self.port = listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None
            await asyncio.sleep(0)

    def _count(self, connected: bool) -> None:
        self.connections += connected


def battery_unit(unit_id: int = 2, *, base: int = 40000) -> SunSpecUnit:
    """A 5 kW battery that discharges at 1.5 kW, half full, with 0.1 Wh registers."""
    return SunSpecUnit(
        unit_id,
        (1, 701, 702, 704, 713),
        {
            (701, "W_SF"): 0,
            (701, "W"): 1500,
            (701, "TotWh_SF"): -1,
            (701, "TotWhInj"): 12345,
            (701, "TotWhAbs"): 67890,
            (702, "W_SF"): 0,
            (702, "WChaRteMaxRtg"): 5000,
            (702, "WDisChaRteMaxRtg"): 4000,
            (704, "WSet_SF"): 0,
            (704, "WSet"): 0,
            (704, "WSetEna"): 0,
            (704, "WSetMod"): 1,
            (704, "WSetRvrtTms"): 0,
            (713, "Pct_SF"): -2,
            (713, "SoC"): 5025,
        },
        base=base,
    )


def inverter_unit(unit_id: int = 1) -> SunSpecUnit:
    """A 4 kW inverter that generates 2.34 kW."""
    return SunSpecUnit(
        unit_id,
        (1, 103, 120, 123),
        {
            (103, "W_SF"): 1,
            (103, "W"): 234,
            (103, "WH_SF"): 0,
            (103, "WH"): 987654,
            (120, "WRtg_SF"): 0,
            (120, "WRtg"): 4000,
            (123, "WMaxLimPct_SF"): -2,
            (123, "WMaxLim_Ena"): 0,
        },
    )


def _not_implemented(type_: str, size: int) -> list[int]:
    if type_ in ("int16", "sunssf", "int32", "int64"):
        return [0x8000] + [0] * (size - 1)
    if type_.startswith(("acc", "string", "ipaddr", "pad", "count")):
        return [0] * size
    return [0xFFFF] * size
