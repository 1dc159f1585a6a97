"""What a simulated asset did, and where that was not what it was asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import AssetPlan, Violation
from wattmesh_optimizer.domain.site import Asset

TOLERANCE_KW = 1e-3
"""Differences up to 1 W are rounding."""


ORDERED_KW = 1e-6
"""By how much an order may be below a machine's minimum."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """An asset's true plan and the violations of what was asked."""

    plan: AssetPlan
    violations: tuple[Violation, ...] = ()


@dataclass(slots=True, eq=False)
class Recorder:
    """Collects the violations of one asset."""

    asset: Asset
    horizon: Horizon
    found: list[Violation] = field(default_factory=list)

    def power(self, index: int, constraint: str, asked_kw: float, done_kw: float) -> None:
        """Record that a power is physically not possible, unless it is rounding."""
        if abs(asked_kw - done_kw) > TOLERANCE_KW:
            self.add(index, constraint, asked_kw * 1e3, done_kw * 1e3, "W", physical=True)

    def add(
        self,
        index: int,
        constraint: str,
        asked: float,
        possible: float,
        unit: str,
        *,
        physical: bool,
    ) -> None:
        """Record a violation at the start of interval `index`."""
        time = self.horizon.time(index)
        verb = "is only able to give" if physical else "should keep to"
        self.found.append(
            Violation(
                subject=self.asset.name,
                constraint=constraint,
                time=time,
                asked=asked,
                possible=possible,
                unit=unit,
                physical=physical,
                message=(
                    f"{self.asset.label}: asked for {asked:.4g} {unit} at "
                    f"{time:%Y-%m-%d %H:%M}Z, {verb} {possible:.4g} {unit} ({constraint})"
                ),
            )
        )

    def outcome(self, plan: AssetPlan) -> Outcome:
        """Return the plan with everything recorded."""
        return Outcome(plan, tuple(self.found))


def step_power(asked_kw: float, maximum_kw: float, minimum_kw: float) -> tuple[float, str]:
    """Return the power a machine of 0 or `minimum_kw`..`maximum_kw` gives, and what limits it.

    Asked for 1 kW, a machine of 3..5 kW stays off; asked for 2 kW it gives 3 kW.
    """
    done, limit = min(max(asked_kw, 0.0), maximum_kw), "max_power"
    if 0 < done < minimum_kw:
        done, limit = (minimum_kw if done > minimum_kw / 2 else 0.0), "min_power"
    return done, limit


def fitted_power(
    asked_kw: float, maximum_kw: float, minimum_kw: float, fitting_kw: float, limit: str
) -> tuple[float, str]:
    """Return what a machine gives when what it serves takes `fitting_kw` at most, and why.

    A machine that fills its store ends early: its mean power may then be below its minimum. As an
    order such a power makes no sense: `kept_power`.
    """
    wanted = min(max(asked_kw, 0.0), maximum_kw)
    if wanted >= fitting_kw - TOLERANCE_KW:
        return min(wanted, fitting_kw), limit if fitting_kw < maximum_kw else "max_power"
    done, name = step_power(asked_kw, maximum_kw, minimum_kw)
    return min(done, fitting_kw), name


def kept_power(done_kw: float, minimum_kw: float, as_order: bool) -> float:
    """Return a power as it can be ordered: 0 where it is below the machine's minimum."""
    return 0.0 if as_order and done_kw < minimum_kw - ORDERED_KW else done_kw


def largest(low: float, high: float, possible: Callable[[float], bool]) -> float:
    """Return the largest value in `low..high` that is possible, given that `low` is."""
    if possible(high):
        return high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if possible(middle) else (low, middle)
    return low


def zeros(horizon: Horizon) -> Floats:
    """Return one 0 per interval."""
    return np.zeros(horizon.count)
