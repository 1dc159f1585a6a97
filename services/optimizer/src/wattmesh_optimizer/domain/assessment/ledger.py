"""Collects costs and missed wishes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from wattmesh_optimizer.domain.plan import CostCause, CostItem, UnmetWish, WishKind
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.wording import Words

WishKey = tuple[WishKind, str]
"""Kind and subject of a wish."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Least shortfall any plan could have, dearer wishes kept, and the shortfall of this plan."""

    least: float
    planned: float

    @property
    def impossible(self) -> bool:
        """True when no plan could do better."""
        return self.least >= 0.999 * self.planned - 1e-6


@dataclass(slots=True, eq=False)
class Ledger:
    """Costs and wishes of one problem; `site` None for what sites share.

    `probes` says, where that was found out, how far a wish could have been met.
    """

    problem: Problem
    probes: Mapping[WishKey, Probe] = field(default_factory=dict)
    costs: list[CostItem] = field(default_factory=list)
    wishes: list[UnmetWish] = field(default_factory=list)

    @property
    def hours(self) -> float:
        """Length of an interval [h]."""
        return self.problem.horizon.hours

    def words(self, zone: ZoneInfo) -> Words:
        """Return how times are said in a zone."""
        return Words(self.problem.horizon, zone)

    def cost(
        self, cause: CostCause, amount: float, subject: str = "", site: str | None = None
    ) -> None:
        """Add a cost, unless it is 0."""
        if amount:
            self.costs.append(CostItem(cause=cause, amount=amount, subject=subject, site=site))

    def penalty(self, amount: float, subject: str, site: str | None = None) -> None:
        """Add the price of a missed wish."""
        self.cost(CostCause.PENALTY, amount, subject, site)

    def wish(self, wish: UnmetWish | None) -> None:
        """Add a missed wish; None is a met one."""
        if wish is None:
            return
        probe = self.probes.get((wish.kind, wish.subject))
        if probe is not None:
            wish = replace(wish, impossible=wish.impossible or probe.impossible)
        self.wishes.append(wish)
