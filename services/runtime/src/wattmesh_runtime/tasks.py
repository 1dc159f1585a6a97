"""Ending background tasks for certain."""

import asyncio
from collections.abc import Collection
from typing import Any

_AGAIN_SECONDS = 0.25


async def cancel_all(tasks: Collection[asyncio.Future[Any]], within_seconds: float) -> set[Any]:
    """Cancel tasks until they have ended; return those that have not in time.

    Once is not enough: before Python 3.12 `asyncio.wait_for` loses a cancellation that comes in
    the same turn as what it waits for (python/cpython#86296), and a loop would just go on.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    pending: set[Any] = {task for task in tasks if not task.done()}
    while pending and loop.time() < deadline:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)
    return pending
