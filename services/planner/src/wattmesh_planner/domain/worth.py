"""What stored energy is worth: a plan's intent, in a form that can be followed without the plan.

A plan has one load; a home has another. What decides then is what a kWh in the battery will save
later, over all that load and sun may turn out to be. That is a dynamic programme backwards over the
horizon (stochastic dual values, "water values"; Stage & Larsson 1961): at each level of the store
the best of all ways to the next step, in the mean over low, middle and high exchange of the rest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.sites import BatteryRating

Floats = NDArray[np.float64]

_LEVELS = 17
_STEPS_TOLD = 8
"""Worth is said over so many equal steps of the state of charge."""
_WEIGHTS = np.array([0.3, 0.4, 0.3])
"""Of the quantiles at 0.1, 0.5 and 0.9: they keep mean and spread of a normal distribution."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Outlook:
    """What a site will exchange without its store, and at what prices, step by step.

    `rest_kw` (steps, 3): low, middle and high, importing positive. `hours` (steps,), prices
    [currency/kWh] (steps,); `final_per_kwh`: what a stored kWh is worth at the end. Each kWh less
    is paid `reduction_price_per_kwh` (steps,) as long as the exchange is above `reduction_floor_kw`
    (steps,); None: none is.
    """

    rest_kw: Floats
    hours: Floats
    import_price_per_kwh: Floats
    export_price_per_kwh: Floats
    final_per_kwh: float
    reduction_price_per_kwh: Floats | None = None
    reduction_floor_kw: Floats | None = None

    def __len__(self) -> int:
        return len(self.hours)


def values_of(rating: BatteryRating, outlook: Outlook, count: int) -> Floats:
    """Return the worth of one more stored kWh at the end of the first `count` steps.

    Shape (count, 8), by equal steps of the state of charge from 0 to 1 [currency/kWh].
    """
    socs = np.linspace(rating.min_soc_ratio, rating.max_soc_ratio, _LEVELS)
    stored_kwh = socs * rating.capacity_wh / 1e3
    taken_kwh, possible_kw = _ways(rating, stored_kwh)
    wear = rating.wear_cost_per_kwh * np.maximum(-taken_kwh, 0.0)
    worth = outlook.final_per_kwh * stored_kwh
    found = np.empty((count, _STEPS_TOLD))
    for step in range(len(outlook) - 1, -1, -1):
        if step < count:
            found[step] = _slopes(socs, stored_kwh, worth)
        if step:
            worth = _before(step, outlook, taken_kwh, possible_kw, worth - wear)
    return found


def _ways(rating: BatteryRating, stored_kwh: Floats) -> tuple[Floats, Floats]:
    """Return the energy from the site's side from each level to each, and its share of the power.

    Both (from, to): [kWh] charging positive, and [1/h]: above 1 a step of one hour is too short.
    """
    change = stored_kwh[None, :] - stored_kwh[:, None]
    taken = np.where(
        change >= 0,
        change / rating.charge_efficiency_ratio,
        change * rating.discharge_efficiency_ratio,
    )
    into, out = max(rating.max_charge_power_w, 1e-9), max(rating.max_discharge_power_w, 1e-9)
    return taken, np.where(taken >= 0, taken * 1e3 / into, -taken * 1e3 / out)


def _before(
    step: int, outlook: Outlook, taken_kwh: Floats, hours_needed: Floats, worth_after: Floats
) -> Floats:
    """Return what each level is worth before a step, `worth_after` (from, to) it being known."""
    hours = float(outlook.hours[step])
    price, credit = outlook.import_price_per_kwh[step], outlook.export_price_per_kwh[step]
    net_kwh = outlook.rest_kw[step][:, None, None] * hours + taken_kwh
    paid = credit * net_kwh + (price - credit) * np.maximum(net_kwh, 0.0)
    if outlook.reduction_price_per_kwh is not None and outlook.reduction_floor_kw is not None:
        above_kwh = net_kwh - outlook.reduction_floor_kw[step] * hours
        paid = paid + outlook.reduction_price_per_kwh[step] * np.maximum(above_kwh, 0.0)
    reachable = np.where(hours_needed <= hours + 1e-9, worth_after, -np.inf)
    best: Floats = (reachable - paid).max(axis=2)
    return np.asarray(_WEIGHTS @ best)


def _slopes(socs: Floats, stored_kwh: Floats, worth: Floats) -> Floats:
    """Return what one more kWh is worth over equal steps from empty to full."""
    if stored_kwh[-1] <= stored_kwh[0]:
        return np.zeros(_STEPS_TOLD)
    slopes = np.diff(worth) / np.diff(stored_kwh)
    middles = (np.arange(_STEPS_TOLD) + 0.5) / _STEPS_TOLD
    return np.interp(middles, (socs[1:] + socs[:-1]) / 2, slopes)
