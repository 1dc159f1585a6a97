"""Streamed answers in flight: unlike other calls they do not end by themselves on a stop."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any


class OpenStreams:
    """The tasks of all calls with streamed answers of one server."""

    def __init__(self) -> None:
        self.ending = False
        self._tasks: set[asyncio.Task[Any]] = set()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Count the running task's call as an open stream."""
        task = asyncio.current_task()
        assert task is not None, "grpc.aio runs every call in a task"
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    def end(self) -> None:
        """Cancel every open stream; its caller is answered UNAVAILABLE and dials again."""
        self.ending = True
        for task in tuple(self._tasks):
            task.cancel()
