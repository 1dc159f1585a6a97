import asyncio
from collections.abc import Mapping, Sequence

import pytest

from wattmesh_kernel.errors import NotFound, Unavailable, WattmeshError
from wattmesh_planner.app.batch import Batch
from wattmesh_planner.app.kept_answers import KeptAnswers
from wattmesh_runtime.aio.tasks import BackgroundTasks


class Squares:
    """Squares numbers; 13 is nobody's, and everything may be away."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.away = False

    async def __call__(self, group: str, keys: Sequence[int]) -> Mapping[int, int]:
        self.calls.append(list(keys))
        if self.away:
            raise Unavailable("GONE", "away")
        if 13 in keys:
            raise NotFound("UNKNOWN", "no such number")
        return {key: key * key for key in keys}


async def test_those_who_ask_together_share_a_call() -> None:
    squares = Squares()
    async with BackgroundTasks() as background:
        batch: Batch[str, int, int] = Batch(squares, background)
        answers = await asyncio.gather(
            batch.ask("a", [1, 2]), batch.ask("a", [2, 3]), batch.ask("b", [4]), batch.ask("a", [])
        )

    assert list(answers) == [{1: 1, 2: 4}, {2: 4, 3: 9}, {4: 16}, {}]
    assert squares.calls == [[1, 2, 3], [4]]


async def test_no_call_is_larger_than_the_other_side_takes() -> None:
    squares = Squares()
    async with BackgroundTasks() as background:
        batch: Batch[str, int, int] = Batch(squares, background, most=lambda group: 2)
        answer = await batch.ask("a", range(5))

    assert len(answer) == 5
    assert squares.calls == [[0, 1], [2, 3], [4]]


async def test_one_who_asks_for_nonsense_spoils_nothing_for_the_others() -> None:
    squares = Squares()
    async with BackgroundTasks() as background:
        batch: Batch[str, int, int] = Batch(squares, background)
        good, bad = await asyncio.gather(
            batch.ask("a", [2]), batch.ask("a", [13]), return_exceptions=True
        )

    assert good == {2: 4}
    assert isinstance(bad, NotFound)


async def test_a_service_that_is_away_is_asked_once_for_all() -> None:
    squares = Squares()
    squares.away = True
    async with BackgroundTasks() as background:
        batch: Batch[str, int, int] = Batch(squares, background)
        failures = await asyncio.gather(
            batch.ask("a", [1]), batch.ask("a", [2]), return_exceptions=True
        )

    assert all(isinstance(failure, WattmeshError) for failure in failures)
    assert len(squares.calls) == 1


async def test_one_who_is_cancelled_takes_nothing_from_the_others() -> None:
    squares = Squares()
    async with BackgroundTasks() as background:
        batch: Batch[str, int, int] = Batch(squares, background)
        first = asyncio.create_task(batch.ask("a", [1]))
        second = asyncio.create_task(batch.ask("a", [2]))
        await asyncio.sleep(0)
        first.cancel()

        assert await second == {2: 4}


async def test_an_answer_is_kept_and_a_failure_is_not() -> None:
    asked = []

    async def ask() -> int:
        asked.append(1)
        if len(asked) == 1:
            raise Unavailable("GONE", "away")
        return 7

    async with BackgroundTasks() as background:
        kept: KeptAnswers[str, int] = KeptAnswers(background)
        failures = await asyncio.gather(
            kept.get("a", ask), kept.get("a", ask), return_exceptions=True
        )
        answers = [await kept.get("a", ask), await kept.get("a", ask)]
        kept.forget()
        again = await kept.get("a", ask)

    assert [type(failure) for failure in failures] == [Unavailable, Unavailable]
    assert (answers, again, len(asked)) == ([7, 7], 7, 3)


@pytest.mark.parametrize("most", [1, 3])
async def test_the_oldest_answers_go_first(most: int) -> None:
    async def ask() -> int:
        return 1

    async with BackgroundTasks() as background:
        kept: KeptAnswers[int, int] = KeptAnswers(background, most=most)
        for key in range(5):
            await kept.get(key, ask)

        assert sorted(kept.keys()) == list(range(5 - most, 5))
