"""When a deferrable run can happen within a horizon, and what is required of it there."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.horizon import Horizon

Indices = NDArray[np.int32]


def window(load: DeferrableLoad, horizon: Horizon) -> tuple[int, int]:
    """Return first and last + 1 whole interval of the run's window; may reach beyond the end."""
    first, last = 0, horizon.count
    if load.earliest_start is not None:
        first = max(0, math.ceil(horizon.position(load.earliest_start) - 1e-9))
    if load.latest_end is not None:
        last = math.floor(horizon.position(load.latest_end) + 1e-9)
    return first, last


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ProfileChoice:
    """How a profile run may start within a horizon.

    `running_kw`: its power if it is running already (None: not). `starts`: possible first
    intervals. `may_wait`: it can still start after the horizon. `energy_kwh`: the whole profile's.
    """

    running_kw: Floats | None
    starts: Indices
    may_wait: bool
    energy_kwh: float


def profile_choice(load: DeferrableLoad, run: ProfileRun, horizon: Horizon) -> ProfileChoice:
    """Return how a profile run may start."""
    size, count = len(run.powers_kw), horizon.count
    energy = float(run.powers_kw.sum()) * horizon.hours
    if run.elapsed_count > 0:
        rest = np.zeros(count)
        left = run.powers_kw[run.elapsed_count :][:count]
        rest[: len(left)] = left
        none = np.zeros(0, dtype=np.int32)
        return ProfileChoice(running_kw=rest, starts=none, may_wait=False, energy_kwh=energy)
    first, last = window(load, horizon)
    latest = last - size
    starts = np.arange(first, min(latest, count - 1) + 1, dtype=np.int32)
    return ProfileChoice(
        running_kw=None, starts=starts, may_wait=latest >= count, energy_kwh=energy
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EnergyNeed:
    """What an interruptible run needs within a horizon.

    `allowed`: intervals in its window, and before it those in which a minimum on-time that began
    before the horizon keeps it `forced` on; energy used there counts too. `required_kwh`: its
    energy less what can still be done after the horizon. `possible_kwh`: what fits in.
    """

    allowed: NDArray[np.bool_]
    forced: NDArray[np.bool_]
    required_kwh: float
    possible_kwh: float


def energy_need(load: DeferrableLoad, run: InterruptibleRun, horizon: Horizon) -> EnergyNeed:
    """Return what an interruptible run needs within the horizon."""
    first, last = window(load, horizon)
    index = np.arange(horizon.count)
    state = run.initial_state
    held = math.ceil(state.remaining(run.min_on_duration) / horizon.resolution - 1e-9)
    forced = (index < held) & state.on
    allowed = ((index >= first) & (index < last)) | forced
    per_interval = run.max_power_kw * horizon.hours
    after = max(0, last - max(first, horizon.count)) * per_interval
    return EnergyNeed(
        allowed=allowed,
        forced=forced,
        required_kwh=max(0.0, run.energy_kwh - after),
        possible_kwh=float(allowed.sum()) * per_interval,
    )
