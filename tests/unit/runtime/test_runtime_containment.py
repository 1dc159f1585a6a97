import logging

import pytest

from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.containment import Containment

LOG = logging.getLogger("contained")


def work(contained: Containment, faults: dict[str, Exception]) -> list[str]:
    """Return who had a turn to the end."""
    done = list[str]()
    for name in ("a", "b", "c"):
        with contained.each(name):
            if name in faults:
                raise faults[name]
            done.append(name)
    return done


def test_what_one_brings_keeps_no_other_from_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    contained = Containment(LOG, "settling")
    assert work(contained, {"b": IndexError("no such column")}) == ["a", "c"]
    assert contained.failed == {"b"}
    (told,) = caplog.records
    assert told.levelno == logging.ERROR
    assert told.exc_info
    assert "settling: b is left out: IndexError('no such column')" in told.getMessage()


def test_it_is_told_once_until_it_changes_or_is_well_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    contained = Containment(LOG, "settling")
    away = Unavailable("DEPENDENCY_UNAVAILABLE", "metering is away")
    for _ in range(3):
        work(contained, {"b": away})
    work(contained, {"b": ValueError("NaN")})
    work(contained, {})
    work(contained, {"b": away})
    said = [each.getMessage().split(": ", 1)[1] for each in caplog.records]
    assert [each.split(" ")[:3] for each in said] == [
        ["b", "is", "left"],
        ["b", "is", "left"],
        ["b", "fares", "well"],
        ["b", "is", "left"],
    ]
    assert not caplog.records[0].exc_info


def test_many_that_fail_are_not_kept_in_memory_for_good() -> None:
    contained = Containment(LOG, "settling")
    for number in range(3_000):
        with contained.each(str(number)):
            raise ValueError
    assert len(contained.failed) == 1_000
    assert "2999" in contained.failed


def test_a_cancellation_is_no_fault() -> None:
    with pytest.raises(KeyboardInterrupt), Containment(LOG, "settling").each("a"):
        raise KeyboardInterrupt
