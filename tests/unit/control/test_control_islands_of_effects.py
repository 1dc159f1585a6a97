from datetime import UTC, datetime, timedelta

from wattmesh_control.domain.effects.islands import islands_within
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = TimeRange.of(T0, 4 * HOUR)


def at(hours: float) -> datetime:
    return T0 + hours * HOUR


def between(first: float, last: float) -> TimeRange:
    return TimeRange(at(first), at(last))


def test_islands_are_from_the_word_that_one_began_to_the_word_that_it_is_over() -> None:
    told = [(at(-3), True), (at(-2), False), (at(1), True), (at(2), False), (at(3), True)]
    assert islands_within(SPAN, told) == [between(1, 2), between(3, 4)]


def test_one_that_began_before_and_of_whose_end_nobody_heard_lasts() -> None:
    assert islands_within(SPAN, [(at(-3), True)]) == [between(-3, 4)]


def test_words_said_twice_or_without_a_beginning_change_nothing() -> None:
    told = [(at(0), False), (at(1), True), (at(1.5), True), (at(2), False), (at(2.5), False)]
    assert islands_within(SPAN, told) == [between(1, 2)]
    assert islands_within(SPAN, []) == []
