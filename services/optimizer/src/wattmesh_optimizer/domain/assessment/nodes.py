"""Limits of connections and nodes that are broken: what that costs, in words and numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.sites import Phase
from wattmesh_optimizer.domain.assessment.ledger import Ledger
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import RequirementKind
from wattmesh_optimizer.domain.site import CONDUCTORS, Node, PowerLimits
from wattmesh_optimizer.domain.wording import NEGLIGIBLE_KW, series_requirement


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LimitAssessment:
    """Adds the broken limits of one site, or of what a group's sites share (`site` None)."""

    ledger: Ledger
    zone: ZoneInfo
    site: str | None = None

    def nodes(
        self,
        owner: str,
        nodes: Sequence[Node],
        flows_kw: Mapping[str, Floats],
        phase_kw: Callable[[str, Phase], Floats],
    ) -> None:
        """Add what is broken at the nodes of `owner`; `phase_kw` by node id and conductor."""
        for node in nodes:
            flow, subject = flows_kw[node.id], f"{owner}/nodes/{node.id}"
            price = node.limits.limit_price_per_kwh
            for name, power, limit in (
                ("import", np.maximum(flow, 0.0), node.limits.imports_kw(len(flow))),
                ("export", np.maximum(-flow, 0.0), node.limits.exports_kw(len(flow))),
            ):
                self.limit(subject, f"Node {node.label}: {name}", power, limit, price)
            words = f"Node {node.label}"
            self.phases(subject, words, node.limits, partial(phase_kw, node.id))

    def phases(
        self, subject: str, words: str, limits: PowerLimits, phase_kw: Callable[[Phase], Floats]
    ) -> None:
        """Add what is broken on single conductors."""
        if not limits.has_phase_limit:
            return
        for conductor in CONDUCTORS:
            power = phase_kw(conductor)
            for name, flow, limit in (
                ("import", np.maximum(power, 0.0), limits.phase_imports_kw(len(power))),
                ("export", np.maximum(-power, 0.0), limits.phase_exports_kw(len(power))),
            ):
                price = limits.limit_price_per_kwh
                self.limit(subject, f"{words}: {name} on {conductor.name}", flow, limit, price)

    def limit(
        self,
        subject: str,
        words: str,
        power: Floats,
        limit: Floats,
        price: float,
        *,
        kind: RequirementKind = RequirementKind.POWER_LIMIT,
    ) -> None:
        """Add one limit [kW per interval, infinite for none] where `power` goes beyond it."""
        beyond = np.maximum(0.0, power - limit)
        if not beyond.any():
            return
        self.ledger.penalty(float(beyond.sum()) * self.ledger.hours * price, subject, self.site)
        self.ledger.requirement(
            series_requirement(
                self.ledger.words(self.zone),
                kind=kind,
                subject=subject,
                sentence=f"{words} limit {{required:.1f}} kW, {{over:.1f}} kW needed, "
                "{short:.1f} kW too much from {first} to {last}, {total:.1f} kWh in all",
                missing=beyond,
                required=np.where(np.isfinite(limit), limit, 0.0),
                unit="kW",
                negligible=NEGLIGIBLE_KW,
                price=price,
            )
        )
