"""Requests that come at the same time, answered as one.

Planners ask for every site by itself, and for many sites in the moments before an interval. What an
issue costs is mostly the same for two assets as for some dozens: so what comes while others are
being answered is gathered, and answered at once when they are done. Nobody waits for company.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self

from wattmesh_forecast.domain.outcome import Outcome
from wattmesh_forecast.domain.wanted import MOST_ASSETS, Wanted
from wattmesh_kernel.ids import AssetId
from wattmesh_runtime.aio.tasks import BackgroundTasks

AT_ONCE = 2
"""Issues that run at a time: while one waits for metering or the database, another computes."""


class Issue(Protocol):
    """What answers one request."""

    async def __call__(self, wanted: Wanted) -> list[Outcome]:
        """Return what becomes of each asset, in the order asked."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Waiting:
    """A request, and where its answer is awaited."""

    wanted: Wanted
    answer: asyncio.Future[list[Outcome]]


class IssueTogether:
    """An Issue before another one; an async context manager that ends what still runs.

    Requests go together when they want the same intervals and quantiles. An asset that two of them
    want is issued once, and both are told of it.
    """

    def __init__(self, issue: Issue) -> None:
        self._issue = issue
        self._waiting: list[_Waiting] = []
        self._running = 0
        self._tasks = BackgroundTasks()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._tasks.__aexit__(kind, error, traceback)

    async def __call__(self, wanted: Wanted) -> list[Outcome]:
        """Return what becomes of each asset, in the order asked; errors as the other one has."""
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(wanted=wanted, answer=answer))
        if self._running < AT_ONCE:
            self._running += 1
            self._tasks.start(self._answer_all())
        return await answer

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # what has arrived in the same moment comes along
                if some := self._take():
                    await self._answer(some)
        finally:
            self._running -= 1

    def _take(self) -> list[_Waiting]:
        """Take those that go with the one that has waited longest, as many as an issue may hold."""
        taken, left, assets = list[_Waiting](), list[_Waiting](), set[AssetId]()
        for each in self._waiting:
            more = assets.union(each.wanted.assets)
            if each.answer.done():  # its caller has gone
                continue
            if not taken or (_goes_with(each.wanted, taken[0].wanted) and len(more) <= MOST_ASSETS):
                taken.append(each)
                assets = more
            else:
                left.append(each)
        self._waiting = left
        return taken

    async def _answer(self, some: Sequence[_Waiting]) -> None:
        assets = dict.fromkeys(asset for each in some for asset in each.wanted.assets)
        wanted = replace(some[0].wanted, assets=tuple(assets))
        try:
            outcomes = {each.asset: each for each in await self._issue(wanted)}
        except Exception as error:
            self._fail(some, error)
            return
        for each in some:
            if not each.answer.done():
                each.answer.set_result([outcomes[asset] for asset in each.wanted.assets])

    @staticmethod
    def _fail(some: Sequence[_Waiting], error: Exception) -> None:
        """Hand the failure to everybody who waits: it is theirs to handle."""
        for each in some:
            if not each.answer.done():
                each.answer.set_exception(error)


def _goes_with(one: Wanted, other: Wanted) -> bool:
    return (one.span, one.resolution, one.ratios) == (other.span, other.resolution, other.ratios)
