"""What flows at all sites together: sums of what is fresh, and how much is missing in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_dashboard.domain.flow import FlowKind, KindFlow, SiteFlow

INTERVALS = 2.5
"""For how many of its reporting intervals a reading counts as what is."""
WAY = timedelta(seconds=5)
"""How long it may be on its way [of the wall]. The pages have the same two (`lib/fresh.ts`)."""
UNSAID_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class AllFlow:
    """Sum of one kind [W], over `known` of the `sites` that have it; None: known of none."""

    kind: FlowKind
    power_w: float | None
    sites: int
    known: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AllSites:
    """All sites together at an instant: `reporting` of `sites` are fresh in everything."""

    at: datetime
    sites: int
    reporting: int
    flows: tuple[AllFlow, ...]


def is_fresh(flow: KindFlow, at: datetime, rate: float) -> bool:
    """Return whether a flow may be shown as what is; `rate` is seconds of the clock per wall's.

    A device that reports each minute is fresh for 2.5 min and 5 s: at a rate of 1 for 155 s.
    """
    if flow.measured is None:
        return False
    return (
        at - flow.measured <= INTERVALS * (flow.reporting_interval or UNSAID_INTERVAL) + WAY * rate
    )


def together(sites: int, told: Iterable[SiteFlow], at: datetime, rate: float) -> AllSites:
    """Return the sums. A kind of a site that is old or not known is counted, and in no sum."""
    counts: dict[FlowKind, tuple[int, int, float]] = {}
    reporting = 0
    for site in told:
        fresh = [is_fresh(flow, at, rate) for flow in site.flows]
        reporting += bool(fresh) and all(fresh)
        for flow, good in zip(site.flows, fresh, strict=True):
            having, known, power_w = counts.get(flow.kind, (0, 0, 0.0))
            counted = good and flow.power_w is not None
            counts[flow.kind] = (
                having + 1,
                known + counted,
                power_w + (flow.power_w or 0.0) * counted,
            )
    flows = tuple(
        AllFlow(kind=kind, power_w=power_w if known else None, sites=having, known=known)
        for kind in FlowKind
        if kind in counts
        for having, known, power_w in (counts[kind],)
    )
    return AllSites(at=at, sites=sites, reporting=reporting, flows=flows)
