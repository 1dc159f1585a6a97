"""What the grid asks, as a test says it."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from wattmesh_kernel.ids import PlanId
from wattmesh_kernel.series import Series
from wattmesh_planner.domain.events import GridEvent, Promise


class KnownGridEvents:
    """These events, each with its own baseline; promises are kept in `promised`."""

    def __init__(self, *events: GridEvent) -> None:
        self.events = events
        self.promised: list[Promise] = []

    def of(self, subjects: Collection[str]) -> Sequence[GridEvent]:
        return [each for each in self.events if each.subject in subjects]

    def lost_for(self) -> timedelta | None:
        return None

    async def baseline_w(self, event: GridEvent) -> Series:
        assert event.baseline_w is not None
        return event.baseline_w

    async def commit(self, promise: Promise, plan: PlanId) -> None:
        self.promised.append(promise)
