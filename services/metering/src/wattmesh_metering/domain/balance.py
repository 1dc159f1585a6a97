"""Energy of assets from their registers, and of the load that nobody meters from the balance.

A meter at the grid connection sees the sum of everything behind it, so what is left over when all
metered assets are taken off is the load: with signed energies (positive into the component)

    load = grid - sum of every other asset that counts

where an asset's energy is import - export. With 3 kWh imported, 4 kWh of PV and 1 kWh charged,
the load is 3 - (-4) - 1 = 6 kWh.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import (
    BatteryRating,
    GeneratorRating,
    GridConnectionRating,
    LoadRating,
    PvRating,
    Rating,
    WindRating,
)
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask
from wattmesh_metering.domain.spans import EVER, FOREVER, Meters, MeterSpan, energies


class Role(Enum):
    """What an asset is in its site's balance."""

    GRID = "grid"
    """Its energy is the sum of all others."""

    BALANCED = "balanced"
    """Counts."""

    DERIVED = "derived"
    """What is left over."""

    INFORMATIONAL = "informational"
    """A part of another asset; does not count."""


def role_of(rating: Rating) -> Role:
    """Return the role of an asset by its rating."""
    match rating:
        case GridConnectionRating():
            return Role.GRID
        case LoadRating(derived=True):
            return Role.DERIVED
        case LoadRating(informational=True):
            return Role.INFORMATIONAL
        case _:
            return Role.BALANCED


def draws(rating: Rating) -> bool:
    """Tell whether an asset uses energy, rather than make or store it."""
    return not isinstance(rating, BatteryRating | GeneratorRating | PvRating | WindRating)


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteredAsset:
    """An asset with the registers that count for it; `deleted_us` [us since 1970] if it is gone.

    `draws`: it uses energy. What such an asset drew before anything metered it is the load's.
    """

    id: AssetId
    role: Role
    imports: tuple[MeterSpan, ...] = ()
    exports: tuple[MeterSpan, ...] = ()
    deleted_us: int | None = None
    draws: bool = False

    @property
    def keys(self) -> frozenset[int]:
        """All its registers."""
        return frozenset(span.key for span in (*self.imports, *self.exports))

    @property
    def begins_us(self) -> int:
        """From when its devices say that they measure it; EVER where one of them does not say."""
        return min((span.start_us for span in (*self.imports, *self.exports)), default=EVER)

    @property
    def moving_keys(self) -> frozenset[int]:
        """Registers that begin or end to count some time: the times of their readings matter."""
        return frozenset(
            span.key
            for span in (*self.imports, *self.exports)
            if span.gone or span.start_us != EVER or span.end_us != FOREVER
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Energy:
    """Energy into and out of an asset per interval [Wh], not negative, NaN where not known."""

    imported_wh: Floats
    exported_wh: Floats

    @property
    def net_wh(self) -> Floats:
        """Energy into the asset less energy out of it."""
        return self.imported_wh - self.exported_wh


def metered_energies(
    assets: Sequence[MeteredAsset], histories: Histories, bounds_us: Ints, longest_gap_us: int
) -> dict[AssetId, Energy]:
    """Return the energies of assets by their registers.

    An asset without any register is not known. One with registers of one direction only does
    nothing in the other while it is known: a PV inverter that counts its yield consumes nothing.
    From its deletion on, an asset does nothing.
    """
    directions = [spans for asset in assets for spans in (asset.imports, asset.exports)]
    deleted = [asset.deleted_us for asset in assets for _ in range(2)]
    meters = [
        Meters(spans=spans, deleted_us=moment)
        for spans, moment in zip(directions, deleted, strict=True)
    ]
    rows = energies(meters, histories, bounds_us, longest_gap_us)
    return {
        asset.id: _energy(asset, rows[2 * place], rows[2 * place + 1])
        for place, asset in enumerate(assets)
    }


def _energy(asset: MeteredAsset, imported: Floats, exported: Floats) -> Energy:
    return Energy(
        imported_wh=imported if asset.imports or not asset.exports else 0 * exported,
        exported_wh=exported if asset.exports or not asset.imports else 0 * imported,
    )


def derived_energy(
    grid: Sequence[Energy], others: Sequence[Energy], tolerance_wh: float, intervals: int
) -> Energy:
    """Return what the balance leaves over.

    Parameters: `tolerance_wh` per interval, by which it may be negative and count as 0: registers
    that count whole Wh and are read at slightly different instants. What is more negative shows as
    export, so that the site still balances and the contradiction between meters is seen.
    """
    if not grid:
        return Energy(
            imported_wh=np.full(intervals, np.nan), exported_wh=np.full(intervals, np.nan)
        )
    rest = _sum((one.net_wh for one in grid), intervals) - _sum(
        (one.net_wh for one in others), intervals
    )
    rest = np.where((rest < 0) & (rest >= -tolerance_wh), 0.0, rest)
    return Energy(imported_wh=np.maximum(rest, 0.0), exported_wh=np.maximum(-rest, 0.0))


def not_begun(asset: MeteredAsset, firsts_us: Mapping[int, int], bounds_us: Ints) -> Mask:
    """Return in which intervals an asset is no part of the balance yet.

    That is before its devices say that they measure it; where none says from when, and the asset
    uses energy, before its first reading of all (`firsts_us`, by register). What makes or stores
    energy may have been there without a meter: without a word of it it is unknown.
    """
    begins_us = asset.begins_us
    if begins_us == EVER and asset.draws and asset.keys:
        begins_us = min((firsts_us.get(key, FOREVER) for key in asset.keys), default=EVER)
    return np.asarray(bounds_us[1:] <= begins_us)


def with_derived(
    assets: Iterable[MeteredAsset],
    metered: Mapping[AssetId, Energy],
    *,
    idle: Mapping[AssetId, Mask],
    intervals: int,
    tolerance_wh: float,
) -> dict[AssetId, Energy]:
    """Return the energy of every asset of one site, the load from the balance.

    `idle`: in which intervals an asset is no part of it yet.
    """
    assets = list(assets)
    found = {asset.id: metered[asset.id] for asset in assets}
    of_role = {
        role: [_idle(metered[a.id], idle.get(a.id)) for a in assets if a.role is role]
        for role in (Role.GRID, Role.BALANCED)
    }
    for asset in assets:
        if asset.role is Role.DERIVED:
            found[asset.id] = derived_energy(
                of_role[Role.GRID], of_role[Role.BALANCED], tolerance_wh, intervals
            )
    return found


def _idle(energy: Energy, idle: Mask | None) -> Energy:
    """Return the energy with nothing in the intervals in which it is idle."""
    if idle is None:
        return energy
    return Energy(
        imported_wh=np.where(idle, 0.0, energy.imported_wh),
        exported_wh=np.where(idle, 0.0, energy.exported_wh),
    )


def _sum(parts: Iterable[Floats], intervals: int) -> Floats:
    total = np.zeros(intervals)
    for part in parts:
        total = total + part
    return total
