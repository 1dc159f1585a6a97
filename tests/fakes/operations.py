"""Long work in memory that a test brings to its end by hand."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from wattmesh_kernel.errors import FailedPrecondition, NotFound


@dataclass(kw_only=True)
class Work:
    """One operation."""

    name: str
    cancelled: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)


class FakeOperations:
    """Operations `operations/1`, `operations/2`, …"""

    def __init__(self, count: int) -> None:
        names = [f"operations/{number}" for number in range(1, count + 1)]
        self.work = {name: Work(name=name) for name in names}

    async def get(self, name: str) -> Work:
        if name not in self.work:
            raise NotFound("UNKNOWN_OPERATION", f"there is no {name}")
        return self.work[name]

    async def list(self, page_size: int, page_token: str) -> tuple[Sequence[Work], str]:
        names = sorted(self.work, reverse=True)
        first = names.index(page_token) if page_token else 0
        following = names[first + page_size :]
        page = names[first : first + page_size]
        return [self.work[name] for name in page], following[0] if following else ""

    async def wait(self, name: str) -> None:
        await (await self.get(name)).done.wait()

    async def cancel(self, name: str) -> None:
        work = await self.get(name)
        work.cancelled = True
        work.done.set()

    async def delete(self, name: str) -> None:
        if not (await self.get(name)).done.is_set():
            raise FailedPrecondition("OPERATION_RUNS", f"{name} is not done")
        del self.work[name]
