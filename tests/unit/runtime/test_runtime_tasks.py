import asyncio

from wattmesh_runtime.aio.tasks import cancel_all


async def test_a_loop_that_lost_one_cancellation_is_ended_by_the_next() -> None:
    lost = 0

    async def careless() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost += 1
                if lost > 1:
                    raise

    task = asyncio.create_task(careless())
    await asyncio.sleep(0)

    assert await cancel_all([task], within_seconds=5) == set()
    assert lost == 2


async def test_a_task_that_never_ends_is_handed_back() -> None:
    released = asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    assert await cancel_all([task], within_seconds=0.3) == {task}
    released.set()
    await task
