"""Waiting for another service to be there: the order in which services start does not matter."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wattmesh_kernel.errors import DeadlineExceeded, Unavailable

_log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 0.5
"""Wall time between two attempts."""


async def patiently(what: str, action: Callable[[], Awaitable[T]]) -> T:
    """Return what `action` returns, repeating it while the service it needs is away.

    `action` must be harmless to repeat. The loss is logged once, and so is the return.
    """
    lost = False
    while True:
        try:
            result = await action()
        except (Unavailable, DeadlineExceeded) as error:
            if not lost:
                _log.warning("%s must wait: %s", what, error.message)
            lost = True
            await asyncio.sleep(RETRY_SECONDS)
        else:
            if lost:
                _log.info("%s goes on", what)
            return result
