import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.quantiles import (
    DEFAULT_RATIOS,
    at_ratios,
    check_ratios,
    magnitude_ratios,
    signed,
)
from wattmesh_kernel.errors import InvalidArgument

VALUES = np.array([[10.0, 20.0, 40.0], [0.0, 0.0, 0.0]])


def test_given_quantiles_come_back_as_they_are() -> None:
    assert np.allclose(at_ratios(DEFAULT_RATIOS, VALUES, DEFAULT_RATIOS), VALUES)


def test_between_given_quantiles_the_normal_score_decides() -> None:
    # score(0.7) / score(0.9) = 0.5244 / 1.2816
    assert at_ratios(DEFAULT_RATIOS, VALUES, (0.7,))[0, 0] == pytest.approx(28.18, abs=0.01)


def test_the_tails_go_on_but_not_below_zero() -> None:
    tails = at_ratios(DEFAULT_RATIOS, VALUES, (0.001, 0.95))

    assert tails[0, 0] == 0.0
    assert tails[0, 1] > 40.0


@given(
    values=st.lists(st.floats(0, 1e5), min_size=3, max_size=3).map(sorted),
    wanted=st.lists(st.floats(0.001, 0.999), min_size=1, max_size=9, unique=True).map(sorted),
)
def test_quantiles_never_cross(values: list[float], wanted: list[float]) -> None:
    found = at_ratios(DEFAULT_RATIOS, np.array([values]), wanted)

    assert (np.diff(found, axis=1) >= 0).all()


def test_generation_is_negative_power_with_its_quantiles_turned_round() -> None:
    ratios = (0.1, 0.5, 0.8)

    assert np.allclose(magnitude_ratios(Kind.PV, ratios), (0.2, 0.5, 0.9))
    assert signed(Kind.PV, VALUES).tolist() == [[-40, -20, -10], [0, 0, 0]]
    assert not np.signbit(signed(Kind.PV, VALUES)[1]).any()  # 0 W, not -0 W


def test_consumption_keeps_its_sign() -> None:
    assert magnitude_ratios(Kind.LOAD, (0.2, 0.9)) == (0.2, 0.9)
    assert signed(Kind.LOAD, VALUES) is VALUES


def test_ratios_are_sorted_and_the_usual_ones_when_none_are_asked_for() -> None:
    assert check_ratios((0.9, 0.5, 0.9)) == (0.5, 0.9)
    assert check_ratios(()) == DEFAULT_RATIOS


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.1, float("nan")])
def test_a_ratio_that_is_none_is_refused(ratio: float) -> None:
    with pytest.raises(InvalidArgument, match="between 0 and 1"):
        check_ratios((0.5, ratio))
