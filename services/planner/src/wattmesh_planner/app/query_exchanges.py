"""What was planned to be exchanged with the grid, plan after plan, each for as long as it held."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import PlanStore
from wattmesh_planner.domain.plan import Plan

LONGEST = timedelta(days=400)
AT_ONCE = 100
"""So many plans are read, and held in memory, at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldPlan:
    """A plan with its solution, and the time in which it held."""

    plan: Plan
    holds: TimeRange


class QueryExchanges:
    """Reads the plans of a scope that control took, a few at a time."""

    def __init__(self, plans: PlanStore) -> None:
        self._plans = plans

    async def __call__(
        self, scope: str, starts: TimeRange
    ) -> AsyncGenerator[Sequence[HeldPlan], None]:
        """Yield plans in the order in which they begin; of those that begin together the newest.

        Each holds until the next one begins, the last until the range ends.
        Error: InvalidArgument `RANGE_TOO_LONG`.
        """
        if starts.duration > LONGEST:
            raise InvalidArgument(
                "RANGE_TOO_LONG",
                f"plans of {LONGEST.days} days at most are told at once",
                field="start_range",
            )
        accepted = list((await self._plans.accepted(scope, starts)).items())
        ends = [*(start for start, _ in accepted[1:]), starts.end]
        for first in range(0, len(accepted), AT_ONCE):
            some = accepted[first : first + AT_ONCE]
            found = await self._plans.solutions([plan for _, plan in some])
            yield [
                HeldPlan(plan=found[plan], holds=TimeRange(start, end))
                for (start, plan), end in zip(some, ends[first:], strict=False)
                if plan in found
            ]
