"""SunSpec values as registers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_twin.adapters.sunspec.definitions import model_definition
from wattmesh_twin.adapters.sunspec.register_map import RegisterMap, power_scale
from wattmesh_twin.adapters.sunspec.words import from_words, not_implemented, to_words
from wattmesh_twin.domain.register import shown_register


@given(st.integers(-32767, 32767))
def test_a_signed_word_reads_back(value: int) -> None:
    assert from_words("int16", to_words("int16", value, 1)) == value


@given(st.integers(0, 2**64 - 2))
def test_a_long_counter_reads_back(value: int) -> None:
    words = to_words("uint64", value, 4)
    assert all(0 <= word <= 0xFFFF for word in words)
    assert from_words("uint64", words) == value


@pytest.mark.parametrize(
    ("kind", "size"), [("int16", 1), ("uint16", 1), ("int32", 2), ("uint32", 2), ("uint64", 4)]
)
def test_a_value_beyond_its_type_is_the_largest_and_never_reads_as_absent(
    kind: str, size: int
) -> None:
    for value in (2**70, -(2**70)):
        assert to_words(kind, value, size) != not_implemented(kind, size)


def test_a_text_fills_its_registers() -> None:
    assert to_words("string", "Wa", 2) == [0x5761, 0]
    assert len(to_words("string", "x" * 100, 16)) == 16


@pytest.mark.parametrize(("model", "length"), [(1, 66), (101, 50), (701, 153), (704, 65), (713, 7)])
def test_a_model_is_as_long_as_the_standard_says(model: int, length: int) -> None:
    assert model_definition(model).size - 2 == length


def test_a_model_with_repeating_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="repeats"):
        model_definition(160)


def test_a_point_that_nobody_gives_stays_not_implemented() -> None:
    layout = RegisterMap((701,), {(701, "W_SF"): 1})
    assert layout.get_raw(layout.template, (701, "LNV")) == 0xFFFF
    registers = list(layout.template)
    layout.put(registers, (701, "W"), -123_450.0)
    assert layout.get_raw(registers, (701, "W")) == -12345
    assert layout.get(registers, (701, "W")) == -123_450


def test_the_scale_factor_grows_with_the_power() -> None:
    assert [power_scale(limit_w) for limit_w in (5e3, 32767, 32768, 250e3, 1e6)] == [0, 0, 1, 1, 2]


@given(st.floats(0, 1e9), st.floats(0, 1e3), st.sampled_from([0.1, 1.0]))
def test_a_shown_register_never_falls_and_is_never_ahead(
    counted: float, more: float, step: float
) -> None:
    before, after = (float(shown_register(value, step)) for value in (counted, counted + more))
    assert before <= after
    assert before <= counted + 1e-6
    assert counted - before < step + 1e-6
