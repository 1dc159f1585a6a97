"""Trying again: growing waits, one line per loss."""

import asyncio
import logging
from datetime import timedelta

import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog, retry

log = logging.getLogger("test")


def test_waits_grow_up_to_the_longest_and_begin_again() -> None:
    backoff = Backoff(0.1, 0.5, jitter_ratio=0)

    assert [backoff.next_seconds() for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]
    backoff.reset()
    assert backoff.next_seconds() == 0.1


def test_waits_are_spread_so_that_many_do_not_come_back_together() -> None:
    ratios = iter((0.0, 0.5, 1.0))
    backoff = Backoff(1.0, 1.0, jitter_ratio=0.2, random_ratio=lambda: next(ratios))

    assert [backoff.next_seconds() for _ in range(3)] == pytest.approx([0.8, 1.0, 1.2])


async def test_waits_are_seconds_of_the_wall_on_a_given_clock() -> None:
    clock = ManualClock()
    waiting = asyncio.create_task(Backoff(10, 10, clock=clock, jitter_ratio=0).wait())

    await clock.run_for(timedelta(seconds=9))
    assert not waiting.done()
    await clock.run_for(timedelta(seconds=1))
    assert waiting.done()


async def test_a_wait_is_as_long_as_the_other_side_asked_for() -> None:
    clock = ManualClock()
    backoff = Backoff(1, 1, clock=clock)
    waiting = asyncio.create_task(backoff.wait(at_least=timedelta(seconds=30)))

    await clock.run_for(timedelta(seconds=29))
    assert not waiting.done()
    await clock.run_for(timedelta(seconds=1))
    assert waiting.done()


async def test_a_loss_is_one_line_and_the_return_another(caplog: pytest.LogCaptureFixture) -> None:
    failures = 50

    async def work() -> str:
        nonlocal failures
        if failures:
            failures -= 1
            raise Unavailable("AWAY", "away")
        return "done"

    with caplog.at_level(logging.INFO):
        assert await retry(work, LossLog(log, "the other"), Backoff(0, 0)) == "done"

    assert [record.getMessage() for record in caplog.records] == [
        "the other lost: away [AWAY]",
        "the other is back",
    ]


async def test_what_waiting_does_not_mend_is_raised() -> None:
    async def work() -> None:
        raise NotFound("GONE", "gone")

    with pytest.raises(NotFound):
        await retry(work, LossLog(log, "the other"), Backoff(0, 0), errors=Unavailable)
