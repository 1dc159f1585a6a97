"""A site's tariff over the horizon, with every missing price assumed and said."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_kernel.tariff import LoweredTariff, Tariff, lower_tariff
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.site import Site


@dataclass(frozen=True, slots=True, eq=False)
class SiteTariff:
    """The tariff's arrays over the horizon and what was assumed for them, in words."""

    lowered: LoweredTariff
    assumptions: tuple[str, ...]


def site_tariffs(sites: Sequence[Site], horizon: Horizon) -> list[SiteTariff | None]:
    """Return the tariff of each site; sites with the very same tariff share what is known of it.

    Of a thousand homes with one tariff this saves a third of writing them down.
    """
    known: dict[tuple[int, int, str], LoweredTariff] = {}
    found: list[SiteTariff | None] = []
    for site in sites:
        if site.tariff is None:
            found.append(None)
            continue
        key = (id(site.tariff), id(site.billing_state), site.zone.key)
        if key not in known:
            known[key] = _lowered(site, site.tariff, horizon)
        found.append(_with_assumptions(site, known[key], horizon))
    return found


def site_tariff(site: Site, horizon: Horizon) -> SiteTariff | None:
    """Return the site's tariff over the horizon; None without a tariff."""
    if site.tariff is None:
        return None
    return _with_assumptions(site, _lowered(site, site.tariff, horizon), horizon)


def _lowered(site: Site, tariff: Tariff, horizon: Horizon) -> LoweredTariff:
    return lower_tariff(tariff, horizon.range, horizon.resolution, site.zone, site.billing_state)


def _with_assumptions(site: Site, lowered: LoweredTariff, horizon: Horizon) -> SiteTariff:
    missing_import = np.isnan(lowered.import_price_per_kwh)
    missing_export = np.isnan(lowered.export_price_per_kwh)
    if not (missing_import.any() or missing_export.any()):
        return SiteTariff(lowered, ())
    assumed = lowered.with_assumed_prices(
        assume_prices(lowered.import_price_per_kwh, horizon),
        assume_prices(lowered.export_price_per_kwh, horizon),
    )
    words = tuple(
        f"{site.name}: {int(missing.sum())} of {horizon.count} {name} prices are missing; the "
        "price of the same time a day before was assumed, else the mean of the known ones"
        for name, missing in (("import", missing_import), ("export", missing_export))
        if missing.any()
    )
    return SiteTariff(assumed, words)


def assume_prices(prices: Floats, horizon: Horizon) -> Floats:
    """Return `prices` with NaN replaced: by 24 h before, else by the mean of the known, else 0.

    With one price a day, `[0.2, nan, 0.4]` becomes `[0.2, 0.2, 0.4]`.
    """
    known = np.isfinite(prices)
    filled = prices.copy()
    day = round(24 / horizon.hours)
    for index in np.flatnonzero(~known):
        if index >= day:
            filled[index] = filled[index - day]
    mean = float(prices[known].mean()) if known.any() else 0.0
    return np.where(np.isfinite(filled), filled, mean)


def connection_limits(site: Site, tariff: SiteTariff | None, count: int) -> tuple[Floats, Floats]:
    """Return the import and export limit per interval [kW], the tariff's included."""
    limit_in, limit_out = site.limits.imports_kw(count), site.limits.exports_kw(count)
    if tariff is None:
        return limit_in, limit_out
    return (
        np.minimum(limit_in, tariff.lowered.import_limit_w / 1000.0),
        np.minimum(limit_out, tariff.lowered.export_limit_w / 1000.0),
    )
