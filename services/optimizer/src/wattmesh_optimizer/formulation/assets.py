"""Which builder serves which kind of asset."""

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.deferrable import DeferrableLoad
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, RenewableSource
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.storage import Battery, EvCharger
from wattmesh_optimizer.domain.thermal import HvacZone, ThermalTank
from wattmesh_optimizer.formulation.battery import build_battery
from wattmesh_optimizer.formulation.deferrable import build_deferrable
from wattmesh_optimizer.formulation.ev import build_ev_charger
from wattmesh_optimizer.formulation.fixed import build_fixed_load, build_renewable
from wattmesh_optimizer.formulation.generator import build_generator
from wattmesh_optimizer.formulation.hvac import build_hvac_zone
from wattmesh_optimizer.formulation.model import AssetModel, Context
from wattmesh_optimizer.formulation.tank import build_thermal_tank


def build_asset(ctx: Context, site: int, asset: Asset, islanded: NDArray[np.bool_]) -> AssetModel:
    """Add one asset to the matrix."""
    match asset.kind:
        case FixedLoad() as load:
            return build_fixed_load(ctx, site, asset, load, islanded)
        case RenewableSource() as source:
            return build_renewable(ctx, site, asset, source)
        case Battery() as battery:
            return build_battery(ctx, site, asset, battery)
        case EvCharger() as charger:
            return build_ev_charger(ctx, site, asset, charger)
        case HvacZone() as zone:
            return build_hvac_zone(ctx, site, asset, zone)
        case ThermalTank() as tank:
            return build_thermal_tank(ctx, site, asset, tank)
        case DeferrableLoad() as load:
            return build_deferrable(ctx, site, asset, load)
        case Generator() as generator:
            return build_generator(ctx, site, asset, generator)
        case _:
            assert_never(asset.kind)
