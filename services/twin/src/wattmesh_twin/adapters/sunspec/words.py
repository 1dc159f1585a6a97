"""SunSpec values as 16-bit registers, and the patterns that mean "not implemented"."""

import struct

_FORMATS = {
    "int16": "h",
    "uint16": "H",
    "count": "H",
    "acc16": "H",
    "enum16": "H",
    "bitfield16": "H",
    "pad": "H",
    "sunssf": "h",
    "int32": "i",
    "uint32": "I",
    "acc32": "I",
    "enum32": "I",
    "bitfield32": "I",
    "int64": "q",
    "uint64": "Q",
    "acc64": "Q",
}

_ZERO_WHEN_ABSENT = {"acc16", "acc32", "acc64", "pad"}


def to_words(point_type: str, value: int | str, size: int) -> list[int]:
    """Return the registers of a raw value, high word first.

    A number beyond the range of its type is cut to it: a device shows its largest value rather
    than nothing. `to_words("int16", -1, 1)` is `[0xFFFF]`.
    """
    if isinstance(value, str):
        return _unpack(value.encode("ascii", "replace")[: 2 * size].ljust(2 * size, b"\0"))
    low, high = _range(point_type)
    return _unpack(struct.pack(f">{_FORMATS[point_type]}", min(max(value, low), high)))


def float_words(value: float) -> list[int]:
    """Return the registers of a float32, high word first."""
    return _unpack(struct.pack(">f", value))


def from_words(point_type: str, words: list[int]) -> int:
    """Return the raw value of a number's registers."""
    (value,) = struct.unpack(f">{_FORMATS[point_type]}", struct.pack(f">{len(words)}H", *words))
    return int(value)


def not_implemented(point_type: str, size: int) -> list[int]:
    """Return the registers of a point that the device does not have."""
    if point_type == "float32":
        return float_words(float("nan"))
    if point_type == "string" or point_type in _ZERO_WHEN_ABSENT:
        return [0] * size
    signed = _FORMATS[point_type].islower()
    return [0x8000, *[0] * (size - 1)] if signed else [0xFFFF] * size


def _range(point_type: str) -> tuple[int, int]:
    """Return the smallest and the largest value that are not the pattern of an absent one."""
    bits = 8 * struct.calcsize(f">{_FORMATS[point_type]}")
    if _FORMATS[point_type].islower():
        return 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1
    return 0, 2**bits - (1 if point_type in _ZERO_WHEN_ABSENT else 2)


def _unpack(data: bytes) -> list[int]:
    return list(struct.unpack(f">{len(data) // 2}H", data))
