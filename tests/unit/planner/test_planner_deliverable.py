"""What is delivered of a reduction though more is used, with a store that makes up for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_planner.domain.deliverable import Event, Store, deliverable_w

TWO = np.ones(2)
EVENT = Event(below_w=3_000.0 * TWO, asked_w=2_000.0 * TWO, hours=1.0)
EXPECTED_W = 2_000.0 * TWO


def store(energy_wh: float, given_w: float = 1_000.0, most_w: float = 5_000.0) -> Store:
    return Store(given_w=given_w * TWO, most_w=most_w, energy_wh=energy_wh)


@pytest.mark.parametrize(
    ("more_w", "held", "delivered_w"),
    [
        (0.0, store(3_000.0), [2_000.0, 2_000.0]),
        (1_000.0, store(3_000.0), [2_000.0, 1_000.0]),
        (1_000.0, store(9_000.0), [2_000.0, 2_000.0]),
        (1_000.0, store(9_000.0, most_w=1_500.0), [1_500.0, 1_500.0]),
        (1_000.0, Store.none(2), [0.0, 0.0]),
        (500.0, Store.none(2), [500.0, 500.0]),
    ],
)
def test_a_store_makes_up_for_what_is_used_until_it_is_empty(
    more_w: float, held: Store, delivered_w: list[float]
) -> None:
    assert deliverable_w(EVENT, EXPECTED_W, more_w * TWO, held) == pytest.approx(delivered_w)


def test_what_is_used_above_the_baseline_in_one_hour_is_not_delivered_in_the_other() -> None:
    """The net of an event is what is paid: 2 kWh and 1.5 kWh above are 0.5 kWh."""
    found = deliverable_w(EVENT, EXPECTED_W, np.array([0.0, 2_500.0]), store(1_000.0))
    assert found == pytest.approx([500.0, 0.0])


@given(
    more_w=st.lists(st.floats(0, 4e3), min_size=2, max_size=2),
    further_w=st.floats(0, 2e3),
    energy_wh=st.floats(0, 6e3),
)
def test_nobody_delivers_more_by_using_more(
    more_w: list[float], further_w: float, energy_wh: float
) -> None:
    less = deliverable_w(EVENT, EXPECTED_W, np.array(more_w), store(energy_wh))
    more = deliverable_w(EVENT, EXPECTED_W, np.array(more_w) + further_w, store(energy_wh))
    assert more.sum() <= less.sum() + 1e-6
    assert (less >= 0).all()
    assert (less <= 2_000.0 + 1e-9).all()
