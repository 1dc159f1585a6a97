"""Intervals of other lengths than the hour."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.intervals import on_intervals
from wattmesh_kernel.time import TimeRange

START = datetime(2017, 1, 1, tzinfo=UTC)


def shorter(hourly: Floats, minutes: int) -> Floats:
    span = TimeRange.of(START, len(hourly) * HOUR)
    return on_intervals(hourly, START, span, timedelta(minutes=minutes))


rising = arrays(np.float64, (6, 3), elements=st.floats(0, 1e5)).map(lambda a: np.sort(a, axis=1))


@given(hourly=rising, minutes=st.sampled_from([5, 10, 15, 20, 30]))
def test_an_hour_keeps_its_energy_and_its_sign(hourly: Floats, minutes: int) -> None:
    middle = shorter(hourly[:, 1:2], minutes)

    assert np.allclose(middle.reshape(6, -1).mean(axis=1), hourly[:, 1], atol=1e-6)
    assert (middle >= -1e-9).all()


@given(hourly=rising, minutes=st.sampled_from([5, 15, 30]), sign=st.sampled_from([1.0, -1.0]))
def test_quantiles_stay_in_order(hourly: Floats, minutes: int, sign: float) -> None:
    assert (np.diff(shorter(np.sort(sign * hourly, axis=1), minutes), axis=1) >= 0).all()


def test_a_ramp_goes_on_within_the_hour() -> None:
    quarters = shorter(np.array([[2.0], [4.0], [6.0]]), 15)[4:8, 0]

    assert np.allclose(quarters, [3.25, 3.75, 4.25, 4.75])


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_the_sun_of_a_clear_day_is_followed_within_the_hour(minutes: int) -> None:
    fine = np.maximum(np.sin(np.pi * (np.arange(24 * 60) + 0.5 - 330) / 780), 0.0)
    hourly = fine.reshape(24, 60).mean(axis=1)[:, None]
    came = fine.reshape(-1, minutes).mean(axis=1)

    error = np.abs(shorter(hourly, minutes)[:, 0] - came).sum() / came.sum()
    held = np.abs(np.repeat(hourly[:, 0], 60 // minutes) - came).sum() / came.sum()

    assert error < held / 4
