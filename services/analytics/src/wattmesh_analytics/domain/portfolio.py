"""The energy of many sites as one, without a silent meter of one hiding the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_analytics.domain.energy import Floats
from wattmesh_analytics.domain.site_energy import Fuelled, SiteEnergy
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneEnergy:
    """What is accounted for in one carbon zone per interval [Wh]; NaN: not metered.

    `own_wh` is the part of the consumption that was generated on the site without burning fuel.
    `scope1_gco2e`: what its fuel emitted, as far as generators were metered; None: there is none.
    """

    zone: ZoneId
    import_wh: Series
    export_wh: Series
    consumption_wh: Series
    own_wh: Series
    scope1_gco2e: float | None = None


def zone_energy(zone: ZoneId, energy: SiteEnergy) -> ZoneEnergy:
    """Return what is accounted for of a site.

    What is consumed and not imported in the same interval is its own; what generators gave then is
    not, since nobody who burns fuel is free of carbon.
    """
    import_wh = energy.grid.import_wh
    consumed = np.maximum(energy.consumption_wh, 0.0)
    burnt_wh = [each.energy.export_wh.values for each in energy.fuelled]
    own = np.clip(consumed - import_wh.values - sum(burnt_wh, np.zeros(len(consumed))), 0.0, None)
    return ZoneEnergy(
        zone=zone,
        import_wh=import_wh,
        export_wh=energy.grid.export_wh,
        consumption_wh=import_wh.with_values(consumed),
        own_wh=import_wh.with_values(own),
        scope1_gco2e=_scope1_gco2e(energy.fuelled),
    )


def _scope1_gco2e(fuelled: Sequence[Fuelled]) -> float | None:
    if not fuelled:
        return None
    return float(
        sum(
            np.nansum(each.energy.export_wh.values) / 1000 * each.emission_gco2e_per_kwh
            for each in fuelled
        )
    )


def by_zone(energies: Sequence[ZoneEnergy]) -> list[ZoneEnergy]:
    """Return the energies of each zone added up over those that were metered."""
    zones = dict[ZoneId, list[ZoneEnergy]]()
    for each in energies:
        zones.setdefault(each.zone, []).append(each)
    return [
        ZoneEnergy(
            zone=zone,
            import_wh=_added([each.import_wh for each in found]),
            export_wh=_added([each.export_wh for each in found]),
            consumption_wh=_added([each.consumption_wh for each in found]),
            own_wh=_added([each.own_wh for each in found]),
            scope1_gco2e=_sum_known([each.scope1_gco2e for each in found]),
        )
        for zone, found in sorted(zones.items())
    ]


def weights(series: Sequence[Series]) -> list[float]:
    """Return how much each site's coverage counts: its energy, with what is missing filled in.

    A site of which half was metered, 1 kWh, weighs 2 kWh. One of which nothing was weighs as much
    as the mean of the others; without any others it weighs 1.
    """
    known = [np.isfinite(each.values) for each in series]
    filled = [
        float(each.values[there].sum()) / float(there.mean()) if there.any() else np.nan
        for each, there in zip(series, known, strict=True)
    ]
    told = [each for each in filled if np.isfinite(each)]
    usual = float(np.mean(told)) if told and sum(told) else 1.0
    return [each if np.isfinite(each) else usual for each in filled]


def weighted(ratios: Sequence[float], by: Sequence[float]) -> float:
    """Return the mean of ratios by their weights; the plain mean when all weigh nothing."""
    total = sum(by)
    if not total:
        return float(np.mean(ratios)) if ratios else 0.0
    return sum(ratio * weight for ratio, weight in zip(ratios, by, strict=True)) / total


def _sum_known(amounts: Sequence[float | None]) -> float | None:
    known = [each for each in amounts if each is not None]
    return sum(known) if known else None


def _added(series: Sequence[Series]) -> Series:
    values: Floats = np.array([each.values for each in series])
    known = np.isfinite(values).any(axis=0)
    return series[0].with_values(np.where(known, np.nansum(values, axis=0), np.nan))
