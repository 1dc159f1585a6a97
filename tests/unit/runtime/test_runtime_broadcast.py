"""Everybody who watches is told everything, or told that it was too slow."""

import asyncio

import pytest

from wattmesh_kernel.errors import ResourceExhausted
from wattmesh_runtime.aio.broadcast import Broadcast, Watcher


async def read(watcher: Watcher[int], count: int) -> list[int]:
    return [await anext(watcher) for _ in range(count)]


async def test_every_watcher_gets_what_it_wants_in_order() -> None:
    broadcast: Broadcast[int] = Broadcast()
    with broadcast.watch() as all_of_it, broadcast.watch(lambda item: item % 2 == 0) as even:
        broadcast.publish(1, 2)
        broadcast.publish(3, 4)

        assert await read(all_of_it, 4) == [1, 2, 3, 4]
        assert await read(even, 2) == [2, 4]


async def test_a_waiting_watcher_is_woken() -> None:
    broadcast: Broadcast[int] = Broadcast()
    with broadcast.watch() as watcher:
        reading = asyncio.create_task(read(watcher, 1))
        await asyncio.sleep(0)
        broadcast.publish(1)
        assert await reading == [1]


async def test_a_slow_watcher_is_told_and_sees_no_gap() -> None:
    broadcast: Broadcast[int] = Broadcast(most_unread=3)
    with broadcast.watch() as slow:
        broadcast.publish(1, 2, 3, 4)
        assert await read(slow, 2) == [1, 2]
        broadcast.publish(5)

        assert await read(slow, 1) == [3]
        with pytest.raises(ResourceExhausted) as caught:
            await anext(slow)
        assert caught.value.reason == "WATCHER_TOO_SLOW"


async def test_a_slow_watcher_costs_the_others_nothing() -> None:
    broadcast: Broadcast[int] = Broadcast(most_unread=3)
    with broadcast.watch(), broadcast.watch() as quick:
        for item in range(10):
            broadcast.publish(item)
            assert await read(quick, 1) == [item]


async def test_all_that_is_unread_can_be_had_at_once() -> None:
    broadcast: Broadcast[int] = Broadcast()
    with broadcast.watch() as watcher:
        broadcast.publish(1, 2, 3)
        assert await watcher.batch() == [1, 2, 3]


def test_nobody_watches_after_the_end_of_the_block() -> None:
    broadcast: Broadcast[int] = Broadcast()
    with broadcast.watch():
        assert broadcast.watchers == 1
    assert broadcast.watchers == 0
