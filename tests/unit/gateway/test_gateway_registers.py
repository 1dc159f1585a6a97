"""Numbers in registers, and how few requests read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.drivers.modbus_tcp.profile import (
    Register,
    RegisterTable,
    RegisterType,
    WordOrder,
)
from wattmesh_gateway.drivers.modbus_tcp.registers import Number, plan_spans

_INTEGERS = [each for each in RegisterType if not each.value.startswith("float")]


def register(at: int, type_: RegisterType = RegisterType.UINT16) -> Register:
    return Register(register=at, type=type_)


def bounds(type_: RegisterType) -> tuple[int, int]:
    bits = 16 * type_.registers
    return (0, 2**bits - 1) if type_.value[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@given(data=st.data(), type_=st.sampled_from(_INTEGERS), order=st.sampled_from(WordOrder))
def test_whole_numbers_survive_the_way_into_registers_and_back(
    data: st.DataObject, type_: RegisterType, order: WordOrder
) -> None:
    limit = min(bounds(type_)[1], 2**53)  # beyond that a float is no exact integer
    value = data.draw(st.integers(max(bounds(type_)[0], -limit), limit))
    number = Number(register=Register(register=0, type=type_, word_order=order))
    words = number.encode(float(value))
    assert len(words) == type_.registers
    assert number.decode(words) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_floats_survive_too(value: float) -> None:
    number = Number(register=register(0, RegisterType.FLOAT32))
    assert number.decode(number.encode(value)) == value


@given(st.floats(-3000, 3000), st.sampled_from([-1.0, 0.1, -0.1, 10.0]))
def test_a_scaled_number_is_rounded_to_the_nearest_step(value: float, scale: float) -> None:
    number = Number(register=register(0, RegisterType.INT16), scale=scale)
    decoded = number.decode(number.encode(value))
    assert decoded is not None
    assert math.isclose(decoded, value, abs_tol=abs(scale) / 2 + 1e-9)


def test_the_order_of_words_is_the_devices() -> None:
    little = Register(register=0, type=RegisterType.UINT32, word_order=WordOrder.LITTLE)
    assert Number(register=little).decode([0x0002, 0x0001]) == 0x0001_0002


def test_the_value_that_means_none_is_none() -> None:
    number = Number(register=register(0), missing=(0xFFFF,))
    assert number.decode([0xFFFF]) is None
    assert number.largest == 0xFFFE


def test_a_float_that_is_no_number_is_none() -> None:
    assert Number(register=register(0, RegisterType.FLOAT32)).decode([0x7FC0, 0]) is None


@pytest.mark.parametrize("value", [-1.0, 65536.0])
def test_what_does_not_fit_is_refused_not_wrapped(value: float) -> None:
    with pytest.raises(DeviceRefused, match="does not fit"):
        Number(register=register(5)).encode(value)


def test_neighbours_are_read_together_and_strangers_apart() -> None:
    spans = plan_spans([register(30), register(0), register(10), register(200)], 120)
    assert [(span.start, span.count) for span in spans] == [(0, 11), (30, 1), (200, 1)]


def test_tables_are_never_mixed() -> None:
    other = Register(register=1, type=RegisterType.UINT16, table=RegisterTable.INPUT)
    assert len(plan_spans([register(0), other], 120)) == 2


@given(st.lists(st.integers(0, 2000), min_size=1), st.integers(4, 125))
def test_every_number_lies_wholly_in_a_span_that_is_not_too_long(
    addresses: list[int], longest: int
) -> None:
    registers = [register(at, RegisterType.UINT64) for at in addresses]
    spans = plan_spans(registers, longest)
    assert all(span.count <= longest for span in spans)
    assert all(any(span.contains(each) for span in spans) for each in registers)
