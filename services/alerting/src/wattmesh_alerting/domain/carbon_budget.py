"""How a month's emissions go beside the budget for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.time import TimeRange

NEAR_RATIO = 0.9
_LEAST_ELAPSED = 0.1
"""Before a tenth of the month has passed, its course says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetUse:
    """Emissions of a month so far and its budget [gCO2e].

    `expected_gco2e` is what the month comes to at the same pace; `time_left` is until the budget
    is used up at that pace, None: not before the month ends, or it is too early to tell.
    """

    used_gco2e: float
    budget_gco2e: float
    expected_gco2e: float | None
    time_left: timedelta | None

    @property
    def strain(self) -> float:
        """How near it is: 1 where nine tenths are used, or the month is on its way beyond."""
        if self.budget_gco2e <= 0:
            return float(self.used_gco2e > 0)
        used = self.used_gco2e / self.budget_gco2e / NEAR_RATIO
        expected = (self.expected_gco2e or 0.0) / self.budget_gco2e
        return max(used, expected)


def budget_use(
    used_gco2e: float, budget_gco2e: float, month: TimeRange, now: datetime
) -> BudgetUse:
    """Return how a budget is used by `now`.

    60 kg of 100 after ten days of thirty come to 180; the rest lasts for 6.7 days.
    """
    elapsed = (now - month.start) / month.duration
    early = elapsed < _LEAST_ELAPSED or used_gco2e <= 0
    expected = None if early else used_gco2e / elapsed
    left = None
    if expected is not None and expected > budget_gco2e:
        pace = used_gco2e / (now - month.start).total_seconds()
        left = timedelta(seconds=max(budget_gco2e - used_gco2e, 0.0) / pace)
    return BudgetUse(
        used_gco2e=used_gco2e, budget_gco2e=budget_gco2e, expected_gco2e=expected, time_left=left
    )
