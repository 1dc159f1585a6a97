"""Waiting in tests for what comes about by itself."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_PAUSE_SECONDS = 0.01


async def eventually(holds: Callable[[], bool | Awaitable[bool]], seconds: float = 10.0) -> None:
    """Return once it holds; TimeoutError.

    It looks as often as it would in that time on a quiet machine, so it waits longer on a busy one.
    """
    for _ in range(round(seconds / _PAUSE_SECONDS)):
        answer = holds()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        await asyncio.sleep(_PAUSE_SECONDS)
    raise TimeoutError(f"it does not hold after {seconds:g} s")


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Bound what the block awaits; TimeoutError. It, too, gives a busy machine more time."""

    async def count(limit: asyncio.Timeout) -> None:
        for _ in range(round(seconds / _PAUSE_SECONDS)):
            await asyncio.sleep(_PAUSE_SECONDS)
        limit.reschedule(asyncio.get_running_loop().time())

    async with asyncio.timeout(None) as limit:
        counting = asyncio.ensure_future(count(limit))
        try:
            yield
        finally:
            counting.cancel()
