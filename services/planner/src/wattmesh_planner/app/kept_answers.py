"""Asking once for what many need, and keeping the answer for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from wattmesh_runtime.aio.tasks import BackgroundTasks

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class KeptAnswers(Generic[K, V]):
    """Answers by key, each asked for once however many want it; the oldest go first.

    A failure is told to those who wait for it and is not kept.
    """

    def __init__(self, background: BackgroundTasks, *, most: int = 256) -> None:
        self._background = background
        self._most = most
        self._answers: OrderedDict[K, asyncio.Future[V]] = OrderedDict()

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """Return the answer that is kept, or ask for it."""
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = asyncio.get_running_loop().create_future()
            self._background.start(self._fill(key, answer, ask))
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return await asyncio.shield(answer)

    def keys(self) -> list[K]:
        """Return what there are answers for, or will be."""
        return list(self._answers)

    def forget(self, belongs: Callable[[K], bool] = lambda key: True) -> None:
        """Forget the answers whose key belongs to what has changed; those under way too."""
        for key in [key for key in self._answers if belongs(key)]:
            del self._answers[key]

    def drop(self, key: K, answer: V) -> None:
        """Forget one answer that turned out to be out of date, unless it was replaced already."""
        kept = self._answers.get(key)
        if kept is not None and kept.done() and kept.result() is answer:
            del self._answers[key]

    async def _fill(
        self, key: K, answer: "asyncio.Future[V]", ask: Callable[[], Awaitable[V]]
    ) -> None:
        try:
            answer.set_result(await ask())
        except Exception as error:
            answer.set_exception(error)
            answer.exception()  # whoever asked may have gone: nothing to complain about
            if self._answers.get(key) is answer:
                del self._answers[key]
