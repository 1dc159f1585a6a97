"""Footprints by the scopes of the GHG Protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from wattmesh_carbon.domain.certificates import Claim
from wattmesh_carbon.domain.factors import FUELS, Factor, FactorKind, Factors
from wattmesh_carbon.domain.footprint import LocationBased, check_energy, location_based
from wattmesh_kernel.checks import require, require_at_least
from wattmesh_kernel.series import Series


class UncertifiedBasis(Enum):
    """By what energy without certificates counts in the market-based result."""

    RESIDUAL_MIX = "residual_mix"
    AVERAGE = "average"


@dataclass(frozen=True, kw_only=True, slots=True)
class FuelUse:
    """Fuel that was burnt on the site, by its net calorific value [Wh]."""

    fuel: FactorKind
    energy_wh: float

    def __post_init__(self) -> None:
        """Refuse what is no fuel."""
        require(self.fuel in FUELS, "INVALID_FACTOR", f"{self.fuel.value} is no fuel", "fuel")
        require_at_least(self.energy_wh, 0.0, "energy_wh")


@dataclass(frozen=True, kw_only=True, slots=True)
class Footprint:
    """A footprint by scopes [gCO2e]; None: not asked for, or its factor is not known."""

    location: LocationBased
    market_based_gco2e: float
    certified_wh: float
    uncertified_basis: UncertifiedBasis
    export_wh: float
    factors: tuple[Factor, ...]
    scope1_gco2e: float | None = None
    grid_losses_gco2e: float | None = None
    upstream_gco2e: float | None = None


def footprint(
    import_wh: Series,
    average_gco2e_per_kwh: Series,
    factors: Factors,
    *,
    export_wh: Series | None = None,
    fuels: Sequence[FuelUse] = (),
    claims: Sequence[Claim] = (),
) -> Footprint:
    """Return what a span of time amounts to.

    Scope 2 Guidance, chapters 4 to 6: location-based by the average, market-based by certificates
    and the residual mix. 10 kWh of which 4 are certified wind, at a residual mix of 500 g/kWh, are
    3,000 g market-based, and at an average of 200 g/kWh 2,000 g location-based. Export is told and
    taken off nowhere; what went into storage counted when it was imported.
    """
    location = location_based(import_wh, average_gco2e_per_kwh)
    if export_wh is not None:
        check_energy(export_wh, "export_energy_wh")
    residual, used = factors.over(FactorKind.RESIDUAL_MIX, import_wh)
    basis = UncertifiedBasis.RESIDUAL_MIX if np.isfinite(residual).all() else _AVERAGE
    uncertified = residual if basis is not _AVERAGE else average_gco2e_per_kwh.values
    market, certified = _market_based(import_wh, uncertified, claims)
    losses, loss_factors = _grid_losses(location, factors)
    upstream, upstream_factors = _upstream(import_wh, factors)
    scope1, fuel_factors = _burnt(fuels, import_wh, factors)
    return Footprint(
        location=location,
        market_based_gco2e=market,
        certified_wh=certified,
        uncertified_basis=basis,
        export_wh=0.0 if export_wh is None else float(np.nansum(export_wh.values)),
        factors=(
            *(used if basis is not _AVERAGE else ()),
            *loss_factors,
            *upstream_factors,
            *fuel_factors,
        ),
        scope1_gco2e=scope1,
        grid_losses_gco2e=losses,
        upstream_gco2e=upstream,
    )


_AVERAGE = UncertifiedBasis.AVERAGE


def _market_based(
    import_wh: Series, uncertified_gco2e_per_kwh: np.ndarray, claims: Sequence[Claim]
) -> tuple[float, float]:
    """Return the market-based result [gCO2e] and the energy that is certified [Wh].

    Certificates never speak for more than was imported: what is too many counts in proportion.
    """
    energy = import_wh.values
    known = np.isfinite(energy) & np.isfinite(uncertified_gco2e_per_kwh)
    imported = float(energy[known].sum())
    claimed = sum(each.energy_wh for each in claims)
    if not imported:
        return 0.0, 0.0
    certified = min(claimed, imported)
    mean = float(energy[known] @ uncertified_gco2e_per_kwh[known]) / imported
    of_claims = sum(each.energy_wh * each.emission_gco2e_per_kwh for each in claims)
    share = certified / claimed if claimed else 0.0
    return ((imported - certified) * mean + share * of_claims) / 1000, certified


def _grid_losses(location: LocationBased, factors: Factors) -> tuple[float | None, list[Factor]]:
    """Return what was lost on the way: at a share of 5 % lost, 5.26 % of what arrived."""
    lost, used = factors.over(FactorKind.GRID_LOSSES, location.gco2e)
    if not used:
        return None, []
    return float(np.nansum(location.gco2e.values * lost / (1 - lost))), used


def _upstream(import_wh: Series, factors: Factors) -> tuple[float | None, list[Factor]]:
    values, used = factors.over(FactorKind.UPSTREAM, import_wh)
    return (float(np.nansum(import_wh.values / 1000 * values)) if used else None), used


def _burnt(
    fuels: Sequence[FuelUse], series: Series, factors: Factors
) -> tuple[float | None, list[Factor]]:
    """Return scope 1, and the factors used; the fuels' factors come with the service."""
    if not fuels:
        return None, []
    found = {each.fuel: factors.of_year(each.fuel, series.start.year) for each in fuels}
    known = {fuel: factor for fuel, factor in found.items() if factor is not None}
    for fuel in found:
        require(fuel in known, "INVALID_FACTOR", f"no factor of {fuel.value}", "fuels")
    total = sum(each.energy_wh / 1000 * known[each.fuel].value for each in fuels)
    return total, list(known.values())
