"""Which sites of a problem can be planned apart, and what they share.

What couples sites are sums of their exchange with the grid: limits of groups and of their nodes,
peaks, changes, netted billing, events. Sites that count in all of these alike are a cohort: nothing
that is shared depends on anything but the summed exchange of each cohort.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.flatness import power_before_kw, ramp_price_per_kw
from wattmesh_optimizer.domain.problem import (
    DemandResponseEvent,
    EventPrice,
    PaidReduction,
    Problem,
    SiteGroup,
)
from wattmesh_optimizer.domain.site import Asset, PowerLimits, Site
from wattmesh_optimizer.domain.tariffs import SiteTariff
from wattmesh_optimizer.domain.thermal import HvacZone

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Sites, by their index in the problem, that count alike in everything shared."""

    name: str
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What the sites of a problem share, said of cohorts in place of sites.

    `groups` and `events` name cohorts, which are called after their first site; `own_events`
    are what concerns each site alone, by its index.
    """

    cohorts: tuple[Cohort, ...]
    groups: tuple[SiteGroup, ...]
    events: tuple[DemandResponseEvent, ...]
    own_events: tuple[tuple[DemandResponseEvent, ...], ...]


def separable(problem: Problem) -> bool:
    """Return whether sites share nothing but sums of what they exchange with the grid.

    Reserves count with what assets can do, conductors with the assets on them, and a payment for
    the net of an event with whether there is any.
    """
    return not (
        problem.reserves
        or problem.ensemble is not None
        or any(_has_phase_limit(group) for group in problem.groups)
        or any(_pays_several(problem, event) for event in problem.events)
    )


def _pays_several(problem: Problem, event: DemandResponseEvent) -> bool:
    concerned = len(event.site_names or problem.sites)
    return isinstance(event.kind, PaidReduction) and concerned > 1


def _has_phase_limit(group: SiteGroup) -> bool:
    return group.limits.has_phase_limit or any(node.limits.has_phase_limit for node in group.nodes)


def shared_by(problem: Problem, tariffs: Sequence[SiteTariff | None]) -> Shared:
    """Return what sites share; the problem must be separable."""
    count = len(problem.sites)
    groups = [_flattened(problem, group, tariffs) for group in problem.groups]
    keys: list[list[object]] = [[] for _ in range(count)]
    for number, group in enumerate(groups):
        for index in problem.site_indices(group.site_names):
            node_id = group.site_node_ids.get(problem.sites[index].name, "")
            keys[index].append((number, node_id))
    own: list[list[DemandResponseEvent]] = [[] for _ in range(count)]
    shared_events = []
    for event in problem.events:
        indices = problem.site_indices(event.site_names)
        if len(indices) == 1 or isinstance(event.kind, EventPrice):
            for index in indices:
                own[index].append(event)
        else:
            shared_events.append(event)
            for index in indices:
                keys[index].append(event.id)
    cohorts = _cohorts(problem, [tuple(key) for key in keys])
    return Shared(
        cohorts=cohorts,
        groups=tuple(_of_cohorts(problem, group, cohorts) for group in groups),
        events=tuple(_event_of_cohorts(problem, event, cohorts) for event in shared_events),
        own_events=tuple(tuple(each) for each in own),
    )


def _flattened(
    problem: Problem, group: SiteGroup, tariffs: Sequence[SiteTariff | None]
) -> SiteGroup:
    """Return the group with its price of changes said."""
    own = [tariffs[index] for index in problem.site_indices(group.site_names)]
    return replace(group, ramp_price_per_kw=ramp_price_per_kw(group, own))


def _cohorts(problem: Problem, keys: Sequence[_Key]) -> tuple[Cohort, ...]:
    found: dict[_Key, list[int]] = {}
    for index, key in enumerate(keys):
        if key:
            found.setdefault(key, []).append(index)
    return tuple(
        Cohort(problem.sites[indices[0]].name, tuple(indices)) for indices in found.values()
    )


def _of_cohorts(problem: Problem, group: SiteGroup, cohorts: Sequence[Cohort]) -> SiteGroup:
    members = set(group.site_names)
    names = tuple(cohort.name for cohort in cohorts if cohort.name in members)
    nodes = {name: node for name, node in group.site_node_ids.items() if name in names}
    return replace(group, site_names=names, site_node_ids=nodes)


def _event_of_cohorts(
    problem: Problem, event: DemandResponseEvent, cohorts: Sequence[Cohort]
) -> DemandResponseEvent:
    members = {problem.sites[index].name for index in problem.site_indices(event.site_names)}
    names = tuple(cohort.name for cohort in cohorts if cohort.name in members)
    return replace(event, site_names=names)


def as_one_site(cohort: Cohort, sites: Sequence[Site]) -> Site:
    """Return a site that exchanges what a cohort's sites do; it has no assets of its own."""
    own = [sites[index] for index in cohort.indices]
    return Site(
        name=cohort.name,
        zone=own[0].zone,
        limits=PowerLimits(),
        power_before_kw=power_before_kw(own),
    )


def rest_of(
    problem: Problem, shared: Shared, indices: Sequence[int], others_kw: Sequence[Floats]
) -> Problem:
    """Return the problem of some sites while all others exchange what is given [kW], by cohort.

    What others of a cohort exchange is a load of a site of its own.
    """
    chosen = set(indices)
    sites = [problem.sites[index] for index in indices]
    hung: dict[str, str] = {}
    for cohort, net_kw in zip(shared.cohorts, others_kw, strict=True):
        if chosen.issuperset(cohort.indices):
            continue
        other = _others(problem, [each for each in cohort.indices if each not in chosen], net_kw)
        hung[cohort.name] = other.name
        sites.append(other)
    names = {site.name for site in sites}
    cohortd = {group.name: group.site_names for group in shared.groups}
    cohortd |= {event.id: event.site_names for event in shared.events}

    def kept(what: str, before: Sequence[str]) -> tuple[str, ...]:
        others = (hung[name] for name in cohortd.get(what, ()) if name in hung)
        return (*(name for name in before if name in names), *others)

    prices = {group.name: group.ramp_price_per_kw for group in shared.groups}
    groups = []
    for group in problem.groups:
        nodes = {name: node for name, node in group.site_node_ids.items() if name in names}
        nodes |= {
            hung[name]: group.site_node_ids[name]
            for name in cohortd[group.name]
            if name in hung and name in group.site_node_ids
        }
        groups.append(
            replace(
                group,
                site_names=kept(group.name, group.site_names),
                site_node_ids=nodes,
                ramp_price_per_kw=prices[group.name],
            )
        )
    every = tuple(site.name for site in problem.sites)
    events = []
    for event in problem.events:
        concerned = kept(event.id, event.site_names or every)
        if concerned:
            events.append(replace(event, site_names=concerned))
    return replace(problem, sites=tuple(sites), groups=tuple(groups), events=tuple(events))


def _others(problem: Problem, indices: Sequence[int], net_kw: Floats) -> Site:
    own = [problem.sites[index] for index in indices]
    first = own[0]
    netted = problem.netted_group(first) is not None
    name = f"{first.name}/others"
    return Site(
        name=name,
        zone=first.zone,
        assets=(Asset(name=f"{name}/assets/exchange", kind=FixedLoad(powers_kw=net_kw)),),
        tariff=first.tariff if netted else None,
        billing_state=first.billing_state if netted else None,
        carbon=first.carbon,
        power_before_kw=power_before_kw(own),
    )


def given_kw(site: Site, count: int) -> Floats:
    """Return what a site's loads take and its sources give, whatever is decided [kW]."""
    total = np.zeros(count)
    for asset in site.assets:
        if isinstance(asset.kind, FixedLoad | RenewableSource):
            total += asset.kind.powers_kw
    return total


def within_horizon(problem: Problem) -> Problem:
    """Return the problem without what weighs in zones and is no part of a plan's cost."""
    return replace(problem, sites=tuple(map(_within, problem.sites)))


def _within(site: Site) -> Site:
    weighed = [
        isinstance(each.kind, HvacZone)
        and (each.kind.after is not None or each.kind.added_prices_per_kwh is not None)
        for each in site.assets
    ]
    if not any(weighed):
        return site
    return replace(
        site,
        assets=tuple(
            replace(each, kind=replace(each.kind, after=None, added_prices_per_kwh=None))
            if has and isinstance(each.kind, HvacZone)
            else each
            for each, has in zip(site.assets, weighed, strict=True)
        ),
    )
