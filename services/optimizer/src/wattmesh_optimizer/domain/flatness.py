"""What a change of grid power from one interval to the next costs beside the bill."""

from collections.abc import Sequence

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.problem import SiteGroup
from wattmesh_optimizer.domain.site import Site
from wattmesh_optimizer.domain.tariffs import SiteTariff

FLATTENING_RATIO = 0.05
"""Price of a change by 1 kW over the mean price of a kWh, where a group does not say one."""


def ramp_price_per_kw(group: SiteGroup, tariffs: Sequence[SiteTariff | None]) -> float:
    """Return what a change of a group's summed power costs [currency/kW].

    Where the group does not say, it is a twentieth of the mean import price of its sites' tariffs:
    at 0.30 a kWh a change by 1 kW costs 0.015. So a plan that is flatter by 2 kW of changes may
    cost 0.03 more than the cheapest one, and no more.
    """
    if group.ramp_price_per_kw is not None:
        return group.ramp_price_per_kw
    prices = [each.lowered.import_price_per_kwh.mean() for each in tariffs if each is not None]
    return FLATTENING_RATIO * max(0.0, float(np.mean(prices))) if prices else 0.0


def power_before_kw(sites: Sequence[Site]) -> float | None:
    """Return the summed grid power before the horizon [kW]; None where one is not known."""
    known = [site.power_before_kw for site in sites if site.power_before_kw is not None]
    return sum(known) if len(known) == len(sites) else None


def changes_kw(net_kw: Floats, before_kw: float | None) -> float:
    """Return by how much power changes in all [kW]: 1, 3, 2 after 1 change by 3."""
    return float(
        np.abs(np.diff(net_kw, prepend=net_kw[0] if before_kw is None else before_kw)).sum()
    )
