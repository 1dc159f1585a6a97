"""The tracking score: what a reserve is judged by."""

from datetime import timedelta

import numpy as np
import pytest

from wattmesh_demandresponse.domain.tracking import tracking_score

STEP = timedelta(seconds=10)
SIGNAL = np.sin(np.arange(360) / 7.0) + 0.3 * np.sin(np.arange(360) / 2.0)


def test_a_signal_that_is_followed_exactly_scores_one() -> None:
    found = tracking_score(SIGNAL, SIGNAL, STEP)
    assert found is not None
    assert found.score == pytest.approx(1.0)


def test_each_part_is_lost_for_its_own_fault() -> None:
    late = tracking_score(SIGNAL[1:], SIGNAL[:-1], STEP)
    half = tracking_score(SIGNAL, SIGNAL / 2, STEP)
    noise = np.random.default_rng(1).normal(0, 1, len(SIGNAL))
    noisy = tracking_score(SIGNAL, SIGNAL + noise, STEP)
    assert late is not None
    assert half is not None
    assert noisy is not None

    assert late.delay == pytest.approx(290 / 300)
    assert late.accuracy == pytest.approx(1.0, abs=1e-3)
    assert (half.accuracy, half.delay) == pytest.approx((1.0, 1.0))
    assert half.precision == pytest.approx(0.5)
    assert noisy.accuracy < 0.8


def test_who_does_nothing_earns_no_accuracy_and_no_precision() -> None:
    found = tracking_score(SIGNAL, np.zeros(360), STEP)
    assert found is not None
    assert (found.accuracy, found.precision) == (0.0, 0.0)


def test_a_signal_that_never_changes_is_not_scored() -> None:
    assert tracking_score(np.ones(60), np.ones(60), STEP) is None
