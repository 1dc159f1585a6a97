"""What events of the grid make of prices at a site: energy that is dearer, less that is paid."""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.tariff import lower_tariff
from wattmesh_planner.domain.events import GridEvent, PriceTerms, ReductionTerms, Values
from wattmesh_planner.domain.inputs import PlanInputs, SiteInputs

Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Taken:
    """Which intervals of which site have an event of a kind: a second one neither pays nor costs.

    Events are asked in their order, those that go before others first.
    """

    _before: dict[tuple[type, str], Flags] = field(default_factory=dict)

    def by(self, event: GridEvent, site: SiteInputs, inputs: PlanInputs) -> Flags:
        """Return the intervals of an event that no other has; it has them from now on."""
        target, resolution = inputs.target, inputs.resolution
        key = (type(event.terms), site.site.site.name)
        before = self._before.get(key, np.zeros(target.count(resolution), dtype=np.bool_))
        within: Flags = np.isfinite(event.mean_of((0.0,) * len(event.starts), target, resolution))
        self._before[key] = before | within
        return within & ~before


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EventPrices:
    """What events add to the prices of a site, by interval of a plan, shape (n,).

    Adders to what energy costs and earns, and what is paid for each kWh less through the
    connection [currency/kWh], as long as the power there is above the floor [W]; -inf: always.
    """

    import_adders_per_kwh: Values
    export_adders_per_kwh: Values
    reduction_prices_per_kwh: Values
    reduction_floors_w: Values


def event_prices(inputs: PlanInputs, site: SiteInputs, net_w: Values) -> EventPrices:
    """Return what events come to at a site that exchanges `net_w` by a plan.

    A reduction of which the net is paid, and is negative as planned, pays nothing for any kWh.
    """
    count, taken = inputs.target.count(inputs.resolution), Taken()
    imports, exports, paid = np.zeros(count), np.zeros(count), np.zeros(count)
    floors = np.full(count, -np.inf)
    for event in events_of(inputs, site):
        match event.terms:
            case PriceTerms() as terms:
                free = taken.by(event, site, inputs)
                adders = price_adders(event, terms, site, inputs)
                known = free & np.isfinite(adders[0]) & np.isfinite(adders[1])
                imports += np.where(known, adders[0], 0.0)
                exports += np.where(known, adders[1], 0.0)
            case ReductionTerms() as terms:
                free = taken.by(event, site, inputs)
                below_w = _below_w(event, inputs)
                if not is_priced(event, site) or below_w is None:
                    continue
                asked = event.asked_w(terms, inputs.target, inputs.resolution)
                counted = np.minimum(below_w - net_w, asked)[free]
                hours = inputs.resolution / timedelta(hours=1)
                if float(np.nansum(counted)) * hours + event.delivered_wh > 0:
                    known = free & np.isfinite(below_w)
                    paid = np.where(known, max(terms.price_per_kwh, 0.0), paid)
                    floors = np.where(known, below_w - asked, floors)
            case _:
                pass
    return EventPrices(
        import_adders_per_kwh=imports,
        export_adders_per_kwh=exports,
        reduction_prices_per_kwh=paid,
        reduction_floors_w=floors,
    )


def events_of(inputs: PlanInputs, site: SiteInputs) -> list[GridEvent]:
    """Return what the grid asks of a site, or of its whole scope, within the horizon."""
    subjects = (site.site.site.name, inputs.scope.name)
    return [
        each
        for each in inputs.events
        if each.subject in subjects and each.span.intersect(inputs.target)
    ]


def is_priced(event: GridEvent, site: SiteInputs) -> bool:
    """Return whether the money of an event is in prices at a site, kWh by kWh.

    It is for a price, and for a reduction of the site itself. It is not for a reduction of a group,
    of which one site gives what another takes, a limit, or a reserve.
    """
    match event.terms:
        case PriceTerms():
            return True
        case ReductionTerms():
            return event.subject == site.site.site.name and event.baseline_w is not None
        case _:
            return False


def price_adders(
    event: GridEvent, terms: PriceTerms, site: SiteInputs, inputs: PlanInputs
) -> tuple[Values, Values]:
    """Return what an event adds to what energy costs and earns [currency/kWh]; NaN outside."""
    target, resolution = inputs.target, inputs.resolution

    def adder(prices: tuple[float, ...], tariff: Values) -> Values:
        if not prices:
            return np.zeros(len(tariff))
        told = event.mean_of(prices, target, resolution)
        return told if terms.additional else told - tariff

    usual = _usual_prices(site, inputs)
    return adder(terms.import_per_kwh, usual[0]), adder(terms.export_per_kwh, usual[1])


def _below_w(event: GridEvent, inputs: PlanInputs) -> Values | None:
    """Return what a reduction is counted below [W], by interval of a plan; NaN outside."""
    if event.baseline_w is None:
        return None
    values = tuple(event.baseline_w.values.tolist())
    return event.mean_of(values, inputs.target, inputs.resolution)


def _usual_prices(site: SiteInputs, inputs: PlanInputs) -> tuple[Values, Values]:
    """Return what energy costs and earns by the tariff; tiers apart."""
    nothing = np.zeros(inputs.target.count(inputs.resolution))
    if site.price is None:
        return nothing, nothing
    lowered = lower_tariff(
        *(site.price.tariff, inputs.target, inputs.resolution, site.site.site.zone),
        state=site.billing_state,
    )
    return np.nan_to_num(lowered.import_price_per_kwh), np.nan_to_num(lowered.export_price_per_kwh)
