"""What running scenarios needs from outside."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from wattmesh_analytics.domain.operation import ScenarioRun
from wattmesh_analytics.domain.scenario import Planned, Window


class Solver(Protocol):
    """Plans with foresight: the optimizer."""

    async def solve(self, window: Window) -> Planned:
        """Return what all that is planned does in the intervals kept. Error: Unavailable."""


class ScenarioStore(Protocol):
    """Where scenarios are kept, for every replica."""

    async def begin(self, run: ScenarioRun) -> ScenarioRun:
        """Keep a new run; return the one kept before when its request id is known."""

    async def save(self, run: ScenarioRun) -> bool:
        """Keep how far a run is, and say that it lives; False: somebody has cancelled it."""

    async def get(self, name: str, silent: timedelta) -> ScenarioRun:
        """Return a run; one that has been silent for too long has failed. Error: NotFound."""

    async def page(self, after: str, size: int, silent: timedelta) -> Sequence[ScenarioRun]:
        """Return runs, newest first, beginning after the one of a name."""

    async def cancel(self, name: str) -> None:
        """Have a run end when it next says how far it is. Error: NotFound."""

    async def delete(self, name: str) -> None:
        """Forget a run."""
