"""The newest readings in memory are those of the database, whatever comes when."""

import numpy as np
import pytest

from wattmesh_metering.domain.newest import NewestReadings
from wattmesh_metering.domain.readings import Floats, Ints, Rows


def _rows(*readings: tuple[int, int, float]) -> Rows:
    return Rows(
        keys=np.array([key for key, _, _ in readings], np.int64),
        times_us=np.array([time for _, time, _ in readings], np.int64),
        values=np.array([value for _, _, value in readings], np.float64),
        qualities=np.ones(len(readings), np.int64),
        resets=np.zeros(len(readings), np.bool_),
    )


def _columns(time_us: int, value: float) -> tuple[Ints, Floats, Ints]:
    return np.array([time_us]), np.array([value]), np.array([1])


@pytest.fixture
def newest() -> NewestReadings:
    newest = NewestReadings()
    newest.open()
    return newest


def _of(newest: NewestReadings, key: int) -> tuple[int, float]:
    times_us, values, _ = newest.of(np.array([key]))
    return int(times_us[0]), float(values[0])


def test_what_was_heard_while_the_database_was_asked_is_not_taken_back(
    newest: NewestReadings,
) -> None:
    life = newest.life
    newest.hear(_rows((3, 20, 2.0)))
    newest.fill(life, np.array([3]), _columns(10, 1.0))
    assert _of(newest, 3) == (20, 2.0)


def test_late_readings_change_nothing_and_a_revision_of_the_newest_does(
    newest: NewestReadings,
) -> None:
    newest.fill(newest.life, np.array([3]), _columns(10, 1.0))
    newest.hear(_rows((3, 5, 7.0), (900, 1, 1.0)))
    assert _of(newest, 3) == (10, 1.0)
    newest.hear(_rows((3, 10, 8.0), (3, 9, 0.0), (3, 10, 9.0)))
    assert _of(newest, 3) == (10, 9.0)
    assert newest.known(np.array([3, 900, 5000])).tolist() == [True, False, False]


def test_after_a_lost_connection_nothing_is_known_until_the_database_is_asked_again(
    newest: NewestReadings,
) -> None:
    life = newest.life
    newest.fill(life, np.array([3]), _columns(10, 1.0))
    newest.close()
    newest.open()
    newest.fill(life, np.array([3]), _columns(10, 1.0))  # asked before the loss
    assert not newest.known(np.array([3])).any()
    newest.fill(newest.life, np.array([3]), _columns(11, 2.0))
    assert _of(newest, 3) == (11, 2.0)
