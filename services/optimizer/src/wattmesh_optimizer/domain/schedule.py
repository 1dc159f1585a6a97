"""What a plan, this service's or a foreign one, asks of each asset."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain import checks
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class AssetSchedule:
    """Power per interval [kW] into the asset; `heating_kw` its heating part (HVAC zones).

    `on`: where it is on even without power (generators, interruptible runs).
    """

    powers_kw: Floats
    heating_kw: Floats | None = None
    on: NDArray[np.bool_] | None = None

    @classmethod
    def checked(
        cls,
        name: str,
        powers_kw: Floats,
        heating_kw: Floats | None,
        on: NDArray[np.bool_] | None,
        count: int,
    ) -> "AssetSchedule":
        """Return a schedule; InvalidArgument when a series does not fit the horizon."""
        if heating_kw is not None:
            heating_kw = checks.series(f"{name}: heating_powers_w", heating_kw, count)
        if on is not None and len(on) != count:
            raise checks.refuse(f"{name}: on_states", f"needs {count} values, not {len(on)}")
        return cls(checks.series(f"{name}: powers_w", powers_kw, count), heating_kw, on)


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Schedules by asset name; an asset without one follows its uncontrolled behaviour.

    `as_orders`: every power is one that its machine can keep to through a whole interval, and
    every state lasts as long as it must. Otherwise a machine may end early: what fills its store
    may be less than its minimum on average.
    """

    assets: Mapping[str, AssetSchedule] = field(default_factory=dict)
    as_orders: bool = False

    @classmethod
    def of(cls, plan: Plan, *, as_orders: bool = False) -> "Schedule":
        """Return what a plan asks for."""
        assets = {
            asset.name: AssetSchedule(asset.powers_kw, asset.heating_kw, asset.on)
            for site in plan.sites
            for asset in site.assets
        }
        return cls(assets, as_orders)
