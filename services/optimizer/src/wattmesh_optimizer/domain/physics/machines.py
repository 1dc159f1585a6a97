"""Loads, renewable sources, deferrable runs and generators."""

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.electrical import (
    RUNNING_KW,
    FixedLoad,
    Generator,
    RenewableSource,
)
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.physics.outcome import (
    TOLERANCE_KW,
    Outcome,
    Recorder,
    step_power,
    zeros,
)
from wattmesh_optimizer.domain.physics.switching import MinimumTimes, Switch, watch_times
from wattmesh_optimizer.domain.plan import AssetPlan
from wattmesh_optimizer.domain.runs import energy_need, profile_choice, window
from wattmesh_optimizer.domain.schedule import AssetSchedule
from wattmesh_optimizer.domain.site import Asset


def simulate_fixed_load(
    asset: Asset,
    load: FixedLoad,
    schedule: AssetSchedule | None,
    horizon: Horizon,
    islanded: NDArray[np.bool_],
) -> Outcome:
    """Run a load as forecast; only an island may shed part of it."""
    recorder = Recorder(asset, horizon)
    shed = zeros(horizon)
    if schedule is not None:
        less = load.powers_kw - schedule.powers_kw
        shed = np.where(islanded, np.clip(less, 0.0, np.maximum(load.powers_kw, 0.0)), 0.0)
        for index in np.flatnonzero(np.abs(less - shed) > TOLERANCE_KW):
            asked = float(schedule.powers_kw[index])
            recorder.power(int(index), "fixed_load", asked, float(load.powers_kw[index]))
    return recorder.outcome(
        AssetPlan(
            name=asset.name,
            powers_kw=load.powers_kw - shed,
            shed_kw=shed if islanded.any() else None,
        )
    )


def simulate_renewable(
    asset: Asset, source: RenewableSource, schedule: AssetSchedule | None, horizon: Horizon
) -> Outcome:
    """Run PV or wind: what is available, or less where it may be curtailed."""
    recorder = Recorder(asset, horizon)
    powers = source.powers_kw.copy()
    if schedule is not None:
        top = np.maximum(powers, 0.0) if source.curtailable else powers
        done = np.clip(schedule.powers_kw, powers, top)
        for index in np.flatnonzero(np.abs(done - schedule.powers_kw) > TOLERANCE_KW):
            asked = float(schedule.powers_kw[index])
            recorder.power(int(index), "available_power", asked, float(done[index]))
        powers = done
    return recorder.outcome(
        AssetPlan(
            name=asset.name, powers_kw=powers, curtailed_kw=np.maximum(powers - source.powers_kw, 0)
        )
    )


def simulate_deferrable(
    asset: Asset,
    load: DeferrableLoad,
    schedule: AssetSchedule | None,
    horizon: Horizon,
    *,
    as_orders: bool = False,
) -> Outcome:
    """Run a deferrable load; without a schedule it starts as soon as it may."""
    if isinstance(load.run, ProfileRun):
        return _simulate_profile(asset, load, load.run, schedule, horizon)
    return _simulate_interruptible(asset, load, load.run, schedule, horizon, as_orders)


def _simulate_profile(
    asset: Asset,
    load: DeferrableLoad,
    run: ProfileRun,
    schedule: AssetSchedule | None,
    horizon: Horizon,
) -> Outcome:
    recorder, powers = Recorder(asset, horizon), zeros(horizon)
    choice = profile_choice(load, run, horizon)
    if choice.running_kw is not None:
        powers = choice.running_kw
    else:
        start = int(choice.starts[0]) if len(choice.starts) else None
        if schedule is not None:
            start = _started(run, schedule)
        if start is not None:
            inside = run.powers_kw[: horizon.count - start]
            powers[start : start + len(inside)] = inside
            if start not in choice.starts.tolist():
                first, last = window(load, horizon)
                recorder.add(start, "window", start, min(max(start, first), last), "interval",
                             physical=False)  # fmt: skip
    if schedule is not None:
        for index in np.flatnonzero(np.abs(schedule.powers_kw - powers) > TOLERANCE_KW):
            recorder.power(
                int(index), "profile", float(schedule.powers_kw[index]), float(powers[index])
            )
    return recorder.outcome(AssetPlan(name=asset.name, powers_kw=powers, on=powers > RUNNING_KW))


def _started(run: ProfileRun, schedule: AssetSchedule) -> int | None:
    """Return where a schedule starts the run: its first power, less the profile's idle head."""
    running = np.flatnonzero(schedule.powers_kw > TOLERANCE_KW)
    head = np.flatnonzero(run.powers_kw > TOLERANCE_KW)
    if not len(running) or not len(head):
        return None
    return max(0, int(running[0]) - int(head[0]))


def _simulate_interruptible(
    asset: Asset,
    load: DeferrableLoad,
    run: InterruptibleRun,
    schedule: AssetSchedule | None,
    horizon: Horizon,
    as_orders: bool,
) -> Outcome:
    recorder, powers = Recorder(asset, horizon), zeros(horizon)
    need = energy_need(load, run, horizon)
    on, left = need.forced.copy(), need.required_kwh
    times = MinimumTimes(run.initial_state, run.min_on_duration, run.min_off_duration)
    switch = Switch(times, horizon.resolution, need.allowed) if as_orders else None
    for index in range(horizon.count):
        if schedule is not None:
            asked = float(schedule.powers_kw[index])
        else:
            asked = min(run.max_power_kw, left / horizon.hours) if need.allowed[index] else 0.0
            asked = max(asked, run.min_power_kw) if asked > RUNNING_KW else 0.0
            asked = max(asked, run.min_power_kw) if need.forced[index] else asked
        power, name = step_power(asked, run.max_power_kw, run.min_power_kw)
        wanted = power > RUNNING_KW or _idles(run.min_power_kw, schedule, index, on)
        if switch is not None:
            wanted, power = switch.held(index, wanted, power, run.min_power_kw)
        on[index], powers[index] = wanted, power
        recorder.power(index, name, asked, power)
        left = max(0.0, left - power * horizon.hours)
    watch_times(recorder, on, times)
    return recorder.outcome(AssetPlan(name=asset.name, powers_kw=powers, on=on))


def simulate_generator(
    asset: Asset,
    generator: Generator,
    schedule: AssetSchedule | None,
    horizon: Horizon,
    *,
    as_orders: bool = False,
) -> Outcome:
    """Run a generator; without a schedule it is off."""
    recorder, powers = Recorder(asset, horizon), zeros(horizon)
    asked = zeros(horizon) if schedule is None else -schedule.powers_kw
    least, most = generator.min_output_power_kw, generator.max_output_power_kw
    on = np.zeros(horizon.count, dtype=np.bool_)
    times = MinimumTimes(
        generator.initial_state, generator.min_up_duration, generator.min_down_duration
    )
    may_run = ~horizon.touched(generator.maintenance_ranges)
    switch = Switch(times, horizon.resolution, may_run) if as_orders else None
    for index, asked_kw in enumerate(asked.tolist()):
        power, name = step_power(asked_kw, most, least)
        wanted = power > RUNNING_KW or _idles(least, schedule, index, on)
        if switch is not None:
            wanted, power = switch.held(index, wanted, power, least)
        if not may_run[index]:
            wanted, power, name = False, 0.0, "maintenance"
        on[index], powers[index] = wanted, power
        recorder.power(index, name, -asked_kw, -power)
    watch_times(recorder, on, times)
    return recorder.outcome(AssetPlan(name=asset.name, powers_kw=-powers, on=on))


def _idles(
    least_kw: float, schedule: AssetSchedule | None, index: int, forced: NDArray[np.bool_]
) -> bool:
    """Return whether a machine that can be on without power is so."""
    if least_kw > 0:
        return False
    said = schedule is not None and schedule.on is not None and bool(schedule.on[index])
    return said or bool(forced[index])
