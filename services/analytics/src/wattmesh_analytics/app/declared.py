"""What a caller declares that sites would have drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from wattmesh_analytics.app.question import Span
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series

Declared = Mapping[SiteId, Series]
"""How much more each site would have taken per interval [Wh], NaN: not known."""
MOST_WH = 1e12
"""The largest change of an interval [Wh]: amounts of money stay finite."""


def check_declared(
    declared: Declared, sites: Sequence[SiteId], span: Span, counterfactual: Counterfactual
) -> None:
    """Raise InvalidArgument unless what is declared is of these sites and just this time.

    Reasons: MISSING_FIELD, UNEXPECTED_MESSAGE, INVALID_NAME, UNEQUAL_SERIES, INVALID_VALUE.
    """
    if counterfactual is not Counterfactual.DECLARED:
        where = "declared changes go with the declared counterfactual alone"
        require(not declared, "UNEXPECTED_MESSAGE", where, "declared_changes")
        return
    require(bool(declared), "MISSING_FIELD", "declare at least one change", "declared_changes")
    compared = set(sites)
    for index, (site, change) in enumerate(declared.items()):
        field = f"declared_changes[{index}]"
        asked = f"{site} is not among the sites that are compared"
        require(site in compared, "INVALID_NAME", asked, f"{field}.site")
        fits = change.resolution == span.resolution and change.range == span.range
        other = "a change has the intervals that are asked about"
        require(fits, "UNEQUAL_SERIES", other, f"{field}.net_energy_wh")
        small = np.isnan(change.values) | (np.abs(change.values) <= MOST_WH)
        large = f"a change is at most {MOST_WH:.0f} Wh either way"
        require(bool(small.all()), "INVALID_VALUE", large, f"{field}.net_energy_wh")


def with_declared(energy: SiteEnergy, change: Series | None) -> SiteEnergy:
    """Return a site's energy with what is declared of it, which may begin later."""
    if change is None:
        return energy
    values = np.zeros(len(energy.grid.import_wh))
    first = (change.start - energy.grid.range.start) // change.resolution
    values[first : first + len(change)] = change.values
    return replace(energy, declared_wh=energy.grid.import_wh.with_values(values))
