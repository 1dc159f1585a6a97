"""A switch at a site's door closes on no dead grid, and on none that it is not in step with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from wattmesh_twin.domain.grid_switch import GridSwitchState
from wattmesh_twin.domain.order import Order

START = datetime(2026, 1, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CLOSED = GridSwitchState(time=START, good_since=START)


def opened(seconds: float) -> GridSwitchState:
    order = Order(value=0.0, end=START + seconds * SECOND)
    return replace(CLOSED, order=order)


def test_it_is_open_for_as_long_as_it_is_told_and_closes_by_itself() -> None:
    assert not opened(10).advanced(START + 9 * SECOND).closed
    assert opened(10).advanced(START + 11 * SECOND).closed


def test_it_closes_on_no_dead_grid() -> None:
    dark = opened(10).advanced(START + SECOND).with_grid(0.0, 0.0)
    later = dark.advanced(START + 60 * SECOND)
    assert not later.closed
    back = later.with_grid(230.0, 50.0)
    assert not back.advanced(START + 61 * SECOND).closed, "not in step yet"
    assert back.advanced(START + 63 * SECOND).closed


def test_a_grid_off_its_frequency_is_not_closed_on() -> None:
    off = opened(1).advanced(START + SECOND / 2).with_grid(230.0, 51.0)
    assert not off.advanced(START + 60 * SECOND).closed
