"""One call for many who ask at about the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument, NotFound
from wattmesh_runtime.aio.tasks import BackgroundTasks, map_at_most

G = TypeVar("G", bound=Hashable)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

WINDOW_SECONDS = 0.01
"""How long the first who asks waits for others [s of the wall]."""
LARGEST_CALL = 1000
_ABOUT_SOMEBODY = (NotFound, InvalidArgument, FailedPrecondition)
"""Errors that are about what one of them asked for; the others shall not suffer for it."""


class Batch(Generic[G, K, V]):
    """Collects what is asked for within a short window into one call.

    Parameters: `call` takes what is common to those who ask together (`group`) and the keys of all
    of them, and returns a value for each key that has one; `most` says how many keys it takes at a
    time. When a call fails because of a key, each asks again for itself; when the service is away,
    it is for everybody. Whoever asks may be cancelled: the call goes on for the others, in
    `background`.
    """

    def __init__(
        self,
        call: Callable[[G, Sequence[K]], Awaitable[Mapping[K, V]]],
        background: BackgroundTasks,
        *,
        most: Callable[[G], int] = lambda group: LARGEST_CALL,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self._call = call
        self._background = background
        self._most = most
        self._window_seconds = window_seconds
        self._open: dict[G, _Asked[K, V]] = {}

    async def ask(self, group: G, keys: Collection[K]) -> dict[K, V]:
        """Return the values of those keys that have one."""
        if not keys:
            return {}
        asked = self._join(group, keys)
        try:
            answer = await asyncio.shield(asked.answer)
        except _ABOUT_SOMEBODY:
            if asked.askers == 1:
                raise
            answer = await self._called(group, list(keys))
        return {key: answer[key] for key in keys if key in answer}

    def _join(self, group: G, keys: Collection[K]) -> "_Asked[K, V]":
        asked = self._open.get(group)
        if asked is None:
            asked = self._open[group] = _Asked()
            self._background.start(self._answer(group, asked))
        asked.keys.update(dict.fromkeys(keys))
        asked.askers += 1
        return asked

    async def _answer(self, group: G, asked: "_Asked[K, V]") -> None:
        await asyncio.sleep(self._window_seconds)
        del self._open[group]
        try:
            answer = await self._called(group, list(asked.keys))
        except Exception as error:
            asked.answer.set_exception(error)
            asked.answer.exception()  # whoever asked may have gone: nothing to complain about
        else:
            asked.answer.set_result(answer)

    async def _called(self, group: G, keys: list[K]) -> dict[K, V]:
        async def call(part: Sequence[K]) -> Mapping[K, V]:
            return await self._call(group, part)

        parts = await map_at_most(2, call, _parts(keys, self._most(group)))
        return {key: value for part in parts for key, value in part.items()}


class _Asked(Generic[K, V]):
    """What was asked for together, and its answer."""

    def __init__(self) -> None:
        self.askers = 0
        self.keys: dict[K, None] = {}
        self.answer: asyncio.Future[dict[K, V]] = asyncio.get_running_loop().create_future()


def _parts(keys: list[K], most: int) -> Iterator[Sequence[K]]:
    return (keys[first : first + most] for first in range(0, len(keys), most))
