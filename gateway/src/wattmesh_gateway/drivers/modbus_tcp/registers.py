"""Numbers in 16-bit registers: encoding, decoding, and reading many with few requests."""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.drivers.modbus_tcp.profile import (
    Register,
    RegisterTable,
    RegisterType,
    WordOrder,
)

_CODES = {
    RegisterType.INT16: ">h",
    RegisterType.UINT16: ">H",
    RegisterType.INT32: ">i",
    RegisterType.UINT32: ">I",
    RegisterType.INT64: ">q",
    RegisterType.UINT64: ">Q",
    RegisterType.FLOAT32: ">f",
    RegisterType.FLOAT64: ">d",
}
_FLOATS = (RegisterType.FLOAT32, RegisterType.FLOAT64)

_LARGEST_GAP = 16
"""Registers read in vain rather than asked for around [registers]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """Where a device keeps a number and what it is multiplied by: everything resolved.

    `missing`: the raw values by which the device says that it has none.
    """

    register: Register
    scale: float = 1.0
    missing: tuple[int, ...] = ()

    def decode(self, words: Sequence[int]) -> float | None:
        """Return the value in these registers, None when the device says there is none."""
        raw = _unpack(self.register, words)
        if raw in self.missing:
            return None
        value = raw * self.scale
        return value if math.isfinite(value) else None

    def encode(self, value: float) -> list[int]:
        """Return the registers for a value, rounded to what the device can hold.

        Error: DeviceRefused when the value does not fit.
        """
        raw = value / self.scale
        if self.register.type in _FLOATS:
            return _pack(self.register, raw)
        return _pack(self.register, round(raw))

    @property
    def largest(self) -> float:
        """The largest value that fits, short of those that mean "none"."""
        if self.register.type in _FLOATS:
            return math.inf
        signed = self.register.type.value.startswith("int")
        top = 2 ** (16 * self.register.type.registers - (1 if signed else 0)) - 1
        while top in self.missing:
            top -= 1
        return float(top) * self.scale


def _unpack(register: Register, words: Sequence[int]) -> int | float:
    ordered = words if register.word_order is WordOrder.BIG else list(reversed(words))
    packed = struct.pack(f">{len(ordered)}H", *ordered)
    value: int | float = struct.unpack(_CODES[register.type], packed)[0]
    return value


def _pack(register: Register, value: float) -> list[int]:
    try:
        packed = struct.pack(_CODES[register.type], value)
    except (struct.error, OverflowError) as error:
        raise DeviceRefused(f"{value} does not fit into {register}") from error
    words = list(struct.unpack(f">{len(packed) // 2}H", packed))
    return words if register.word_order is WordOrder.BIG else words[::-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Neighbouring registers that one request reads."""

    table: RegisterTable
    start: int
    count: int

    def contains(self, register: Register) -> bool:
        """Whether a number lies wholly in the span."""
        end = register.register + register.type.registers
        inside = self.start <= register.register and end <= self.start + self.count
        return register.table is self.table and inside

    def words(self, register: Register, words: Sequence[int]) -> Sequence[int]:
        """Return the registers of one number out of those of the span."""
        begin = register.register - self.start
        return words[begin : begin + register.type.registers]


def plan_spans(registers: Iterable[Register], longest: int) -> list[Span]:
    """Return the fewest spans of at most `longest` registers that hold all these numbers."""
    spans: list[Span] = []
    for register in sorted(registers, key=lambda each: (each.table.value, each.register)):
        grown = _grown(spans[-1], register) if spans else None
        if grown is not None and grown.count <= longest:
            spans[-1] = grown
        else:
            spans.append(
                Span(table=register.table, start=register.register, count=register.type.registers)
            )
    return spans


def _grown(span: Span, register: Register) -> Span | None:
    """Return the span with the number in it; None when it lies too far away."""
    if register.table is not span.table:
        return None
    if register.register > span.start + span.count + _LARGEST_GAP:
        return None
    end = max(span.start + span.count, register.register + register.type.registers)
    return replace(span, count=end - span.start)
