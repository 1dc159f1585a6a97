"""Running side by side, without losing a cancellation or leaving anything behind."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest

from wattmesh_kernel.errors import NotFound
from wattmesh_runtime.aio.tasks import (
    BackgroundTasks,
    EndedByNobody,
    map_at_most,
    race,
    together,
)


async def value(result: int, turns: int = 0) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    return result


async def fail(turns: int = 0) -> int:
    await value(0, turns)
    raise NotFound("GONE", "gone")


class Careless:
    """Loses the first cancellation, as wait_for may."""

    def __init__(self) -> None:
        self.lost = 0
        self.ended = False

    async def run(self) -> int:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.lost += 1
                if self.lost > 1:
                    self.ended = True
                    raise


async def test_the_first_to_end_wins_and_the_others_have_ended() -> None:
    careless = Careless()

    assert await race(value(1, turns=2), careless.run()) == 1
    assert careless.ended


async def test_a_race_raises_what_the_first_raised() -> None:
    careless = Careless()

    with pytest.raises(NotFound):
        await race(careless.run(), fail(turns=1))
    assert careless.ended


async def test_a_failure_is_not_hidden_by_a_success_in_the_same_turn() -> None:
    with pytest.raises(NotFound):
        await race(value(1), fail())


async def test_a_failure_while_being_ended_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def trips() -> int:
        try:
            return await value(0, turns=1000)
        finally:
            raise NotFound("TRIPPED", "on the way out")

    assert await race(value(1, turns=1), trips()) == 1
    assert "TRIPPED" in caplog.text


@pytest.mark.parametrize("turns", range(1, 6))
async def test_a_cancelled_race_ends_all_and_stays_cancelled(turns: int) -> None:
    careless = Careless()
    racing = asyncio.create_task(race(value(1, turns=2), careless.run()))
    await value(0, turns)

    racing.cancel()
    await asyncio.wait({racing})

    assert racing.cancelled()
    assert careless.ended or careless.lost == 0, "it ended, or never began"


async def test_a_cancellation_outlives_the_wait_for_a_sibling() -> None:
    careless = Careless()
    racing = asyncio.create_task(race(value(1, turns=1), careless.run()))
    await asyncio.sleep(0.1)
    assert careless.lost == 1, "it is being ended"

    racing.cancel()
    await asyncio.wait({racing})

    assert racing.cancelled()
    assert careless.ended


async def test_results_come_together_in_their_order() -> None:
    assert await together(value(1, turns=3), value(2)) == (1, 2)
    assert await together() == ()


async def test_a_failure_ends_the_siblings_and_is_raised_as_it_is() -> None:
    careless = Careless()

    with pytest.raises(NotFound):
        await together(careless.run(), fail(turns=1))
    assert careless.ended


async def test_no_more_run_at_a_time_than_allowed() -> None:
    running, most = 0, 0

    async def work(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await value(0, turns=3)
        running -= 1
        return item * 2

    assert await map_at_most(3, work, range(10)) == [item * 2 for item in range(10)]
    assert most == 3


async def test_background_tasks_end_with_their_owner() -> None:
    careless = Careless()
    async with BackgroundTasks() as background:
        background.start(careless.run())
        await asyncio.sleep(0)
    assert careless.ended


async def test_who_watches_is_told_of_a_failure() -> None:
    async with BackgroundTasks() as background:
        background.start(fail())
        with pytest.raises(NotFound):
            await background.watch()


async def test_a_failure_that_nobody_watched_is_raised_at_the_end() -> None:
    async def own() -> None:
        async with BackgroundTasks() as background:
            background.start(fail())
            await asyncio.sleep(0.01)

    with pytest.raises(NotFound):
        await own()


async def test_a_failure_is_logged_when_the_owner_fails_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def own() -> None:
        async with BackgroundTasks() as background:
            background.start(fail())
            await asyncio.sleep(0.01)
            raise KeyError

    with caplog.at_level(logging.ERROR), pytest.raises(KeyError):
        await own()
    assert "GONE" in caplog.text


async def test_whatever_can_be_awaited_may_run_beside_others() -> None:
    class Call:
        """Like a gRPC call: no coroutine."""

        def __await__(self) -> Generator[Any, None, int]:
            return value(7).__await__()

    assert await together(Call(), value(1)) == (7, 1)
    assert await race(Call(), Careless().run()) == 7


async def test_what_failed_when_its_race_was_cancelled_is_no_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = asyncio.get_running_loop().create_future()
    racing = asyncio.ensure_future(race(failing, asyncio.sleep(60)))
    await asyncio.sleep(0)
    failing.set_exception(NotFound("GONE", "gone"))
    racing.cancel()
    await asyncio.wait([racing])
    del failing, racing
    gc.collect()
    assert caplog.records == []


async def cancelled_by_nobody() -> None:
    """As a call of a channel that is closed ends."""
    await asyncio.sleep(0)
    raise asyncio.CancelledError


@pytest.mark.parametrize("side_by_side", [race, together], ids=["race", "together"])
async def test_who_was_not_cancelled_is_told_so(
    side_by_side: Callable[..., Awaitable[object]],
) -> None:
    with pytest.raises(EndedByNobody):
        await side_by_side(cancelled_by_nobody(), asyncio.sleep(60))


async def test_a_background_task_that_nobody_ended_has_failed() -> None:
    """Else its work, watching a service say, was over without a word."""
    async with BackgroundTasks() as background:
        background.start(cancelled_by_nobody())
        with pytest.raises(EndedByNobody):
            await asyncio.wait_for(background.watch(), 5)


async def test_a_background_task_that_was_stopped_has_not_failed() -> None:
    async with BackgroundTasks() as background:
        task = background.start(asyncio.sleep(60))
        await asyncio.sleep(0)
        await background.stop(task)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(background.watch(), 0.05)
