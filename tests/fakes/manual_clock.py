"""A clock that stands still until a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta

_LOOP_TURNS = 20  # enough for a woken task to pass through its awaits and sleep again


class ManualClock:
    """A Clock for tests: `advance` moves it and wakes whoever slept until then."""

    def __init__(self, start: datetime = datetime(2024, 1, 1, tzinfo=UTC)) -> None:
        self._now = start.astimezone(UTC)
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    @property
    def rate(self) -> float:
        return 1.0

    @property
    def sleeping(self) -> int:
        """How many wait for a time of this clock."""
        return len(self._sleepers)

    def now(self) -> datetime:
        return self._now

    async def sleep(self, duration: timedelta) -> None:
        await self.sleep_until(self._now + duration)

    async def sleep_until(self, when: datetime) -> None:
        if when <= self._now:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (when, future)
        self._sleepers.append(entry)
        try:
            await future
        finally:
            if entry in self._sleepers:
                self._sleepers.remove(entry)

    def advance(self, duration: timedelta) -> None:
        """Jump ahead at once; woken tasks run when the test next awaits."""
        self.set(self._now + duration)

    def set(self, when: datetime) -> None:
        """Jump to `when` at once."""
        self._now = when.astimezone(UTC)
        for wake, future in [entry for entry in self._sleepers if entry[0] <= self._now]:
            self._sleepers.remove((wake, future))
            if not future.done():
                future.set_result(None)

    async def run_for(self, duration: timedelta) -> None:
        """Move ahead from sleeper to sleeper, letting each run at the time it asked for."""
        end = self._now + duration
        await _turn()
        while due := [wake for wake, _ in self._sleepers if wake <= end]:
            self.set(min(due))
            await _turn()
        self.set(end)
        await _turn()


async def _turn() -> None:
    for _ in range(_LOOP_TURNS):
        await asyncio.sleep(0)
