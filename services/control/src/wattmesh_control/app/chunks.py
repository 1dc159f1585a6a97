"""Working through many items at most 500 at a time; one that fails alone does not fail the rest."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from wattmesh_kernel.errors import ResourceExhausted
from wattmesh_runtime.aio.losses import AWAY_OR_FULL

MOST_AT_ONCE = 500
"""Devices or commands in one transaction: each device costs PostgreSQL an entry of its locks."""

Item = TypeVar("Item")


def chunks(items: Sequence[Item], most: int = MOST_AT_ONCE) -> Iterator[Sequence[Item]]:
    """Return the items in their order, at most so many at a time."""
    for start in range(0, len(items), most):
        yield items[start : start + most]


async def halving(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Awaitable[None]],
    alone: Callable[[Item, Exception], Awaitable[None]],
) -> None:
    """Do `work` on all items; when that fails, on each half, down to `alone` with its error.

    Error: AWAY_OR_FULL at once, as they have nothing to do with the items; but fewer items need
    fewer locks, so that one is raised when there is no room for a single one.
    """
    try:
        await work(items)
    except Exception as error:  # whatever one item brings must not keep the others
        if isinstance(error, AWAY_OR_FULL) and (len(items) == 1 or not _takes_too_many(error)):
            raise
        if len(items) == 1:
            await alone(items[0], error)
            return
        middle = len(items) // 2
        await halving(items[:middle], work, alone)
        await halving(items[middle:], work, alone)


def _takes_too_many(error: Exception) -> bool:
    return isinstance(error, ResourceExhausted) and error.reason == "LOCKS_EXHAUSTED"
