"""What energy is worth at a site in the next intervals of a plan, for what follows the meter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.worth import EnergyWorth, StoredWorth
from wattmesh_planner.domain.event_prices import EventPrices, event_prices, events_of, is_priced
from wattmesh_planner.domain.inputs import PlanInputs, SiteInputs
from wattmesh_planner.domain.prices import PricedTariff, terminal_value_per_kwh
from wattmesh_planner.domain.worth import Outlook, values_of

Floats = NDArray[np.float64]

_TOLD = 3
"""Intervals of which it is said: one that runs, and some more for when the next plan is late."""
_BLOCK = timedelta(hours=1)
"""What follows them is looked at in steps of so long: prices and loads are not known finer."""
_W_PER_KW, _KWH_DECIMALS = 1000.0, 5
_LOWEST_KW = -1e6
"""As low as no site exchanges."""
_OUTER_QUANTILE = 1.2816
"""Where nine tenths of a normal distribution lie below, in standard deviations."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlannedStore:
    """A battery in a plan: who controls it, its powers [W] and its state of charge after each."""

    device: DeviceId
    rating: BatteryRating
    powers_w: Floats
    soc_ratios_after: Floats


def planned_worths(
    inputs: PlanInputs,
    site: SiteInputs,
    net_w: Floats,
    stores: Sequence[PlannedStore],
    carbon_price_per_kg: float = 0.0,
) -> tuple[EnergyWorth, ...]:
    """Return what energy is worth at a site that exchanges `net_w`, interval by interval.

    Nothing where no price is known, or where a group pays for what its sites exchange together;
    nothing from where an event of the grid begins, whose money is in no price. A price that the
    grid asks is in them, and what it pays for a reduction stands beside them. Carbon has a price
    where goals do not give it another.
    """
    price = site.price
    if not stores or price is None or not _told_worths(inputs, site):
        return ()
    imports, exports = np.array(price.import_prices_per_kwh), np.array(price.export_prices_per_kwh)
    if len(imports) != len(net_w) or not (np.isfinite(imports) & np.isfinite(exports)).all():
        return ()
    count = min(_TOLD, len(net_w), _before_unpriced(inputs, site))
    if count == 0:
        return ()
    asked = event_prices(inputs, site, net_w)
    carbon = _carbon_per_kwh(inputs, site, carbon_price_per_kg)
    imports = imports + asked.import_adders_per_kwh + carbon
    exports = np.minimum(exports + asked.export_adders_per_kwh, imports)
    rating = _together([each.rating for each in stores])
    rest_w = _rest_w(site, net_w, stores)
    outlook = _outlook(inputs, rating, price, rest_w, imports, exports, asked)
    values = values_of(rating, outlook, count)
    return tuple(
        EnergyWorth(
            import_price_per_kwh=float(imports[index]),
            export_price_per_kwh=float(exports[index]),
            stores=tuple(_stored(site, each, values[index], index, inputs) for each in stores),
            reduction_price_per_kwh=float(asked.reduction_prices_per_kwh[index]),
            reduction_floor_w=_known(asked.reduction_floors_w[index]),
        )
        for index in range(count)
    )


def follows_freely(inputs: PlanInputs, site: SiteInputs) -> bool:
    """Return whether what follows the meter at a site may give all that its stores have."""
    return _told_worths(inputs, site) and not _keeps(site, inputs)


def _told_worths(inputs: PlanInputs, site: SiteInputs) -> bool:
    """Return whether it is said what energy is worth: not where a group pays for all together."""
    group = inputs.scope.group
    return site.price is not None and not (group is not None and group.netted_billing)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _carbon_per_kwh(inputs: PlanInputs, site: SiteInputs, otherwise: float) -> Floats | float:
    said = inputs.scope.goals.carbon_price_per_kg
    price = otherwise if said is None else said
    if not price or site.average_gco2e_per_kwh is None:
        return 0.0
    return np.asarray(site.average_gco2e_per_kwh.values * price / 1e3)


def _stored(
    site: SiteInputs, store: PlannedStore, values: Floats, index: int, inputs: PlanInputs
) -> StoredWorth:
    kept = float(store.soc_ratios_after[index]) if _keeps(site, inputs) else 0.0
    return StoredWorth(
        device=store.device,
        values_per_kwh=tuple(round(each, _KWH_DECIMALS) for each in values.tolist()),
        charge_efficiency_ratio=store.rating.charge_efficiency_ratio,
        discharge_efficiency_ratio=store.rating.discharge_efficiency_ratio,
        kept_soc_ratio=min(max(kept, 0.0), 1.0),
        capacity_wh=store.rating.capacity_wh,
    )


def _keeps(site: SiteInputs, inputs: PlanInputs) -> bool:
    """Return whether the plan keeps energy for what is in no price: a peak, a limit, a reserve."""
    charges = site.price is not None and site.price.tariff.has_demand_charges
    peaks = bool(inputs.scope.goals.site_peak_price_per_kw)
    return charges or peaks or not all(is_priced(each, site) for each in events_of(inputs, site))


def _before_unpriced(inputs: PlanInputs, site: SiteInputs) -> int:
    """Return how many intervals there are before the first of an event that is in no price."""
    begun = (
        max(each.span.start - inputs.target.start, timedelta(0))
        for each in events_of(inputs, site)
        if not is_priced(each, site)
    )
    return min((each // inputs.resolution for each in begun), default=_TOLD)


def _rest_w(site: SiteInputs, net_w: Floats, stores: Sequence[PlannedStore]) -> Floats:
    """Return low, middle and high of what a site exchanges without its stores [W], shape (n, 3).

    The middle is the plan's; forecasts of different assets are taken to err independently.
    """
    middle = net_w - sum(each.powers_w for each in stores)
    variance = np.zeros(len(net_w))
    for asset in site.assets:
        if asset.forecast is not None and asset.forecast.deviation_w is not None:
            variance += np.nan_to_num(asset.forecast.deviation_w.values) ** 2
    spread = _OUTER_QUANTILE * np.sqrt(variance)
    return np.stack([middle - spread, middle, middle + spread], axis=1)


def _outlook(
    inputs: PlanInputs,
    rating: BatteryRating,
    price: PricedTariff,
    rest_w: Floats,
    imports: Floats,
    exports: Floats,
    asked: EventPrices,
) -> Outlook:
    """Return the horizon in steps: the next intervals one by one, what follows by the hour."""
    count = len(rest_w)
    in_block = max(1, round(_BLOCK / inputs.resolution))
    head = min(math.ceil(_TOLD / in_block) * in_block, count)
    starts = np.array([*range(head), *range(head, count, in_block)])
    lengths = np.diff([*starts, count])

    def mean(values: Floats) -> Floats:
        summed: Floats = np.add.reduceat(values, starts, axis=0)
        return summed / lengths.reshape(-1, *[1] * (values.ndim - 1))

    paid: Floats | None = None
    floors: Floats | None = None
    if asked.reduction_prices_per_kwh.any():
        paid = mean(asked.reduction_prices_per_kwh)
        lowest = np.maximum(asked.reduction_floors_w / _W_PER_KW, _LOWEST_KW)
        floors = mean(asked.reduction_prices_per_kwh * lowest) / np.where(paid > 0, paid, 1.0)
    return Outlook(
        rest_kw=mean(rest_w) / _W_PER_KW,
        hours=lengths * (inputs.resolution / timedelta(hours=1)),
        import_price_per_kwh=mean(imports),
        export_price_per_kwh=mean(exports),
        final_per_kwh=terminal_value_per_kwh(rating, price.lowest_import_price_per_kwh),
        reduction_price_per_kwh=paid,
        reduction_floor_kw=floors,
    )


def _together(ratings: Sequence[BatteryRating]) -> BatteryRating:
    """Return batteries as one: they are filled and emptied alike."""
    if len(ratings) == 1:
        return ratings[0]
    capacities = np.array([each.capacity_wh for each in ratings])

    def mean(values: Sequence[float]) -> float:
        return float(np.average(values, weights=capacities))

    return BatteryRating(
        capacity_wh=float(capacities.sum()),
        max_charge_power_w=sum(each.max_charge_power_w for each in ratings),
        max_discharge_power_w=sum(each.max_discharge_power_w for each in ratings),
        charge_efficiency_ratio=mean([each.charge_efficiency_ratio for each in ratings]),
        discharge_efficiency_ratio=mean([each.discharge_efficiency_ratio for each in ratings]),
        min_soc_ratio=mean([each.min_soc_ratio for each in ratings]),
        max_soc_ratio=mean([each.max_soc_ratio for each in ratings]),
        wear_cost_per_kwh=mean([each.wear_cost_per_kwh for each in ratings]),
    )
