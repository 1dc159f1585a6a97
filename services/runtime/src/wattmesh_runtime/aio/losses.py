"""Saying a loss only once, and trying until what was lost is back."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from wattmesh_kernel.errors import DeadlineExceeded, ResourceExhausted, Unavailable
from wattmesh_runtime.aio.backoff import Backoff

T = TypeVar("T")

PASSING: tuple[type[Exception], ...] = (Unavailable, DeadlineExceeded, ResourceExhausted)
"""Errors that may pass by waiting."""
AWAY_OR_FULL = (Unavailable, ResourceExhausted)
"""Errors that are about nothing that was asked, but about who was asked: all else waits as well."""


class LossLog:
    """Logs once when something is lost and once when it is back."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._lost = False

    @property
    def is_lost(self) -> bool:
        """True from the loss to the return."""
        return self._lost

    def lost(self, why: object) -> None:
        """Take note of a loss."""
        if not self._lost:
            self._lost = True
            self._log.warning("%s lost: %s", self._what, why)

    def back(self) -> None:
        """Take note that it is there."""
        if self._lost:
            self._lost = False
            self._log.info("%s is back", self._what)


async def retry(
    work: Callable[[], Awaitable[T]],
    loss: LossLog,
    backoff: Backoff | None = None,
    errors: type[Exception] | tuple[type[Exception], ...] = PASSING,
) -> T:
    """Call `work`, which must be harmless to repeat, until it succeeds and return its result.

    A failure of one of the `errors` is a loss, logged once; the waits grow, up to 2 s unless
    `backoff` says otherwise, and are at least what an error asks for (`retry_after`). Any other
    error is raised.
    """
    backoff = backoff or Backoff(most_seconds=2.0)
    while True:
        try:
            result = await work()
        except errors as error:
            loss.lost(error)
            await backoff.wait(retry_after(error))
        else:
            loss.back()
            return result


def retry_after(error: Exception) -> timedelta | None:
    """Return how long an error asks to wait, if it does."""
    asked: timedelta | None = getattr(error, "retry_after", None)
    return asked
