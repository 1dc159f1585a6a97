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
from wattmesh_metering.domain.assets import AssetKind, GridConnection, Load
from wattmesh_metering.domain.readings import Floats


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


def role_of(kind: AssetKind) -> Role:
    """Return the role of a kind of asset."""
    match kind:
        case GridConnection():
            return Role.GRID
        case Load(derived=True):
            return Role.DERIVED
        case Load(informational=True):
            return Role.INFORMATIONAL
        case _:
            return Role.BALANCED


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteredAsset:
    """An asset with the keys of its devices' energy registers."""

    id: AssetId
    role: Role
    import_keys: tuple[int, ...] = ()
    export_keys: tuple[int, ...] = ()

    @property
    def keys(self) -> tuple[int, ...]:
        """All its registers."""
        return (*self.import_keys, *self.export_keys)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Energy:
    """Energy into and out of an asset per interval [Wh], not negative, NaN where not known."""

    imported_wh: Floats
    exported_wh: Floats

    @property
    def net_wh(self) -> Floats:
        """Energy into the asset less energy out of it."""
        return self.imported_wh - self.exported_wh


def metered_energy(asset: MeteredAsset, increases: Mapping[int, Floats], intervals: int) -> Energy:
    """Return an asset's energy by its registers: the sum over its devices.

    An asset without any register is not known. One with registers of one direction only does
    nothing in the other while it is known: a PV inverter that counts its yield consumes nothing.
    """
    if not asset.keys:
        return Energy(
            imported_wh=np.full(intervals, np.nan), exported_wh=np.full(intervals, np.nan)
        )
    imported = _sum((increases[key] for key in asset.import_keys), intervals)
    exported = _sum((increases[key] for key in asset.export_keys), intervals)
    return Energy(
        imported_wh=imported if asset.import_keys else 0 * exported,
        exported_wh=exported if asset.export_keys else 0 * imported,
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


def site_energies(
    assets: Iterable[MeteredAsset],
    increases: Mapping[int, Floats],
    *,
    intervals: int,
    tolerance_wh: float,
) -> dict[AssetId, Energy]:
    """Return the energy of every asset of one site.

    Parameters: `increases` gives per register key the increase over each interval [Wh].
    """
    assets = tuple(assets)
    energies = {
        asset.id: metered_energy(asset, increases, intervals)
        for asset in assets
        if asset.role is not Role.DERIVED
    }
    of_role = {
        role: [energies[asset.id] for asset in assets if asset.role is role]
        for role in (Role.GRID, Role.BALANCED)
    }
    for asset in assets:
        if asset.role is Role.DERIVED:
            energies[asset.id] = derived_energy(
                of_role[Role.GRID], of_role[Role.BALANCED], tolerance_wh, intervals
            )
    return energies


def _sum(parts: Iterable[Floats], intervals: int) -> Floats:
    total = np.zeros(intervals)
    for part in parts:
        total = total + part
    return total
