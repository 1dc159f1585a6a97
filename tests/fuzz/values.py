"""Values that break what takes them for granted, by the type of a field."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

_TEXTS = (
    *("", " ", "a", "-", "/", "a/b", "sites/-", "sites/a", "sites//", "../..", "a\0b", "\0"),
    *("\n\r\t", "%s%n{}", "ä" * 300, "\u202e\u2066", "\U0001f9ff" * 64, "sites/" + "a" * 63),
    *("NaN", "Infinity", "-1e400", "9" * 400, "1e-400", "0x10", "1_000", "٣", "1.50", "-0"),
    *("EUR", "eur", "Mars/Base", "UTC", "Europe/Berlin", "Etc/GMT+12", "zones/de", "soc_ratio"),
    *("2024-02-30", "name", "*", "name.name", "a" * 1024, "a" * 1025, "x" * 2**20),
)
_DOUBLES = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 5e-324, 1e-300, 1e-12, 1e9, 1e15, 1e20, 1e100),
    *(1e300, -1e300, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan")),
)
_SMALL = (0, 1, -1, 2, 7, 60, 1000, 10**6)
SECONDS = (
    *(0, 1, -1, 60, 3600, 86_400, 900, -3600, 1_714_564_800, -2_208_988_800, 16_725_225_599),
    *(253_402_300_799, -62_135_596_800, 315_576_000_000, 3_162_240_000, 2**62, -(2**62), 2**31),
)
_NANOS = (0, 1, -1, 999_999_999, 10**9, 500_000_000, 1000)
_BYTES = (b"", b"\0", b"\xff" * 8, b"\x0a\x00", b"{}", b"x" * 2**16)


def texts(words: Sequence[str]) -> st.SearchStrategy[str]:
    """Return texts: some that mean something where they go (`words`), and some that do not."""
    known = st.sampled_from(words or ("a",))
    twisted = st.builds(
        lambda word, way: way(word),
        known,
        st.sampled_from(
            (str.upper, lambda w: w + "/", lambda w: w[:-1], lambda w: w + "\0", _twice)
        ),
    )
    return st.one_of(known, known, twisted, st.sampled_from(_TEXTS), st.text(max_size=8))


def values(field: FieldDescriptor, words: Sequence[str]) -> st.SearchStrategy[Any]:
    """Return values of a field that is no message."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.sampled_from(_BYTES) | st.binary(max_size=16)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return texts(words)
    return _BY_TYPE[field.cpp_type]


def _twice(word: str) -> str:
    return f"{word}/{word}"


def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    likely = [each for each in (*_SMALL, *SECONDS, *_NANOS, low, high) if low <= each <= high]
    return st.sampled_from(likely) | st.integers(low, high)


_BY_TYPE: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_DOUBLE: st.sampled_from(_DOUBLES) | st.floats(),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: _integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: _integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: _integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: _integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: st.integers(0, 12) | st.sampled_from([-1, 77, 2**31 - 1]),
}
