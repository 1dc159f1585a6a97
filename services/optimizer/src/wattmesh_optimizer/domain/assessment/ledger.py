"""Collects costs and missed requirements."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from wattmesh_optimizer.domain.plan import CostCause, CostItem, RequirementKind, UnmetRequirement
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.wording import Words

RequirementKey = tuple[RequirementKind, str]
"""Kind and subject of a requirement."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Least shortfall of any plan that keeps dearer requirements, and the shortfall of this one."""

    least: float
    planned: float

    @property
    def impossible(self) -> bool:
        """True when no plan could do better."""
        return self.least >= 0.999 * self.planned - 1e-6


@dataclass(slots=True, eq=False)
class Ledger:
    """Costs and requirements of one problem; `site` None for what sites share.

    `probes` says, where that was found out, how far a requirement could have been met.
    """

    problem: Problem
    probes: Mapping[RequirementKey, Probe] = field(default_factory=dict)
    costs: list[CostItem] = field(default_factory=list)
    requirements: list[UnmetRequirement] = field(default_factory=list)

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
        """Add the price of a missed requirement."""
        self.cost(CostCause.PENALTY, amount, subject, site)

    def requirement(self, requirement: UnmetRequirement | None) -> None:
        """Add a missed requirement; None is a met one."""
        if requirement is None:
            return
        probe = self.probes.get((requirement.kind, requirement.subject))
        if probe is not None:
            requirement = replace(
                requirement, impossible=requirement.impossible or probe.impossible
            )
        self.requirements.append(requirement)
