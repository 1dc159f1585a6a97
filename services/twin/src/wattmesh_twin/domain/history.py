"""What the devices would have read before the twin began: register readings from measured data.

Before the start the battery stands idle at its initial state of charge, no vehicle charges and no
machine runs, and PV is not curtailed; where nothing of PV was measured the plant is off, as it is
later. Registers say so of whatever stands idle: what a site's load was is what its meter shows less
all the others, and nobody knows it where one of them is silent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.ids import PointId
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_twin.domain.battery import SECONDS_PER_HOUR
from wattmesh_twin.domain.measured import MeasuredSeries
from wattmesh_twin.domain.meter import METER_STEP_WH, MeterState
from wattmesh_twin.domain.physics import Drawn, SitePhysics
from wattmesh_twin.domain.pv import FACTORY_REGISTER_WH
from wattmesh_twin.domain.register import shown_register
from wattmesh_twin.domain.site import BATTERY, GRID_METER, INVERTER, TURBINE, SiteState

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class PastReadings:
    """Readings of devices at `times`: one value per time and point; NaN: nothing was reported."""

    times: tuple[datetime, ...]
    readings: Mapping[PointId, Array]


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteHistory:
    """Readings of a site's devices at `times`, and its state at the last of them.

    `readings` has one value per time and point; NaN where the device reported nothing.
    """

    times: tuple[datetime, ...]
    readings: Mapping[PointId, Array]
    final: SiteState


def site_history(
    physics: SitePhysics, start: datetime, length: timedelta, resolution: timedelta
) -> SiteHistory:
    """Return the history of at most `length` before `start`.

    Its end is the last time at or before `start` on the grids of `resolution` and the data, and
    must have passed by the clock (LookAhead otherwise). The reading at the end of an interval that
    was not wholly measured is missing, as the telegram would be; what nobody measured is in no
    register. Meters have readings at both ends; devices that are polled have none at the end, which
    is when the gateway first reads them.
    """
    raster = max(resolution, *(each.resolution for each in physics.data.series()))
    end = floor_time(start, raster)
    first = min(end, max(_data_start(physics, raster), ceil_time(end - length, raster)))
    span = TimeRange(first, end)
    energies = _interval_energies(physics, span, resolution)
    return SiteHistory(
        times=(*span.starts(resolution), end),
        readings=_readings(physics, energies, resolution),
        final=_final(physics, end, energies),
    )


def _data_start(physics: SitePhysics, raster: timedelta) -> datetime:
    return ceil_time(max(each.start for each in physics.data.series()), raster)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Energies:
    """Energy per interval [Wh] into and out of one component, and whether all was measured."""

    imported: Array
    exported: Array
    whole: NDArray[np.bool_]

    @classmethod
    def of(cls, powers_w: Array, resolution: timedelta) -> "_Energies":
        """Sum up powers of shape (intervals, steps)."""
        hours = resolution.total_seconds() / SECONDS_PER_HOUR / powers_w.shape[1]
        return cls(
            imported=np.nansum(np.maximum(powers_w, 0.0), axis=1) * hours,
            exported=np.nansum(np.maximum(-powers_w, 0.0), axis=1) * hours,
            whole=np.asarray(np.isfinite(powers_w).all(axis=1)),
        )

    def shown(self, counted_wh: Array, step_wh: float) -> Array:
        """Return what the register showed at each bound; NaN where the device was silent."""
        shown = shown_register(counted_wh, step_wh)
        return np.where(np.concatenate([[True], self.whole]), shown, np.nan)

    def mean_w(self, resolution: timedelta) -> Array:
        """Return the mean power [W] of the interval before each bound; NaN at the first."""
        hours = resolution.total_seconds() / SECONDS_PER_HOUR
        mean_w = np.where(self.whole, (self.imported - self.exported) / hours, np.nan)
        return np.concatenate([[np.nan], mean_w])


def _interval_energies(
    physics: SitePhysics, span: TimeRange, resolution: timedelta
) -> dict[str, _Energies]:
    """Return the energies of every meter and of the inverter over the intervals of `span`."""
    data = physics.data
    step = min(resolution, *(each.resolution for each in data.series()))

    def blocks(series: MeasuredSeries) -> Array:
        values = series.history(span).to_resolution(step).values
        return values.reshape(span.count(resolution), resolution // step)

    powers = {load: blocks(each) for load, each in data.loads_w.items()}
    devices = {device: powers[load] for device, load in physics.spec.sub_meters.items()}
    if data.pv_available_w is not None:
        devices[INVERTER] = -blocks(data.pv_available_w)
        powers[INVERTER] = np.nan_to_num(devices[INVERTER])
    shape = (span.count(resolution), resolution // step)
    turbine = physics.spec.turbine
    if turbine is not None:
        starts = span.starts(resolution)
        means = [[-turbine.mean_w(TimeRange.of(each, resolution))] for each in starts]
        devices[TURBINE] = powers[TURBINE] = np.broadcast_to(np.array(means), shape)
    for consumer, each in data.consumers.items():
        powers[consumer] = np.broadcast_to(_consumed_w(each, span, resolution), shape)
    devices[GRID_METER] = np.sum(list(powers.values()), axis=0)
    return {device: _Energies.of(power, resolution) for device, power in devices.items()}


def _consumed_w(consumer: Drawn, span: TimeRange, resolution: timedelta) -> Array:
    """Return the mean power of a consumer in each interval of `span` [W], shape (n, 1)."""
    starts = span.starts(resolution)
    return np.array([[consumer.mean_power_w(each, each + resolution)] for each in starts])


def _counted(energy_wh: Array, first_wh: float = 0.0) -> Array:
    """Return the register at each bound."""
    return first_wh + np.concatenate([[0.0], np.cumsum(energy_wh)])


def _readings(
    physics: SitePhysics, energies: Mapping[str, _Energies], resolution: timedelta
) -> dict[PointId, Array]:
    site = physics.spec
    readings: dict[PointId, Array] = {}
    for segment, energy in energies.items():
        device = site.device(segment)
        if segment == TURBINE:
            counted = _counted(energy.exported, FACTORY_REGISTER_WH)
            shown = energy.shown(counted, 1.0)
            readings[PointId(device, "export_energy_wh")] = _polled(shown)
            continue
        if segment == INVERTER:
            if site.pv is not None:
                counted = _counted(energy.exported, FACTORY_REGISTER_WH)
                shown = energy.shown(counted, site.pv.register_step_wh)
                readings[PointId(device, "export_energy_wh")] = _polled(shown)
            continue
        imported = energy.shown(_counted(energy.imported), METER_STEP_WH)
        readings[PointId(device, "import_energy_wh")] = imported
        exported = energy.shown(_counted(energy.exported), METER_STEP_WH)
        readings[PointId(device, "export_energy_wh")] = exported
        readings[PointId(device, "active_power_w")] = energy.mean_w(resolution)
    count = len(energies[GRID_METER].whole) + 1
    return readings | _idle_battery(physics, count) | _idle_consumers(physics, count)


def _idle_consumers(physics: SitePhysics, count: int) -> dict[PointId, Array]:
    site = physics.spec
    idle = [each.id for each in site.charge_points] + [each.id for each in site.machines]
    return {
        PointId(site.device(each), "import_energy_wh"): _polled(np.zeros(count)) for each in idle
    }


def _idle_battery(physics: SitePhysics, count: int) -> dict[PointId, Array]:
    if physics.spec.battery is None:
        return {}
    device = physics.spec.device(BATTERY)
    initial = physics.spec.battery.initial_soc_ratio
    return {
        PointId(device, "import_energy_wh"): _polled(np.zeros(count)),
        PointId(device, "export_energy_wh"): _polled(np.zeros(count)),
        PointId(device, "soc_ratio"): _polled(np.full(count, initial)),
    }


def _polled(readings: Array) -> Array:
    return np.concatenate([readings[:-1], [np.nan]])


def _final(physics: SitePhysics, end: datetime, energies: Mapping[str, _Energies]) -> SiteState:
    state = physics.spec.initial(end)
    inverter = energies.get(INVERTER)
    pv_export_wh = state.pv_export_wh
    if inverter is not None:
        pv_export_wh = float(_counted(inverter.exported, FACTORY_REGISTER_WH)[-1])
    meters = {
        device: MeterState(
            import_wh=float(_counted(energies[device].imported)[-1]),
            export_wh=float(_counted(energies[device].exported)[-1]),
        )
        for device in state.meters
    }
    wind_export_wh = state.wind_export_wh
    if (turbine := energies.get(TURBINE)) is not None:
        wind_export_wh = float(_counted(turbine.exported, FACTORY_REGISTER_WH)[-1])
    return replace(state, pv_export_wh=pv_export_wh, wind_export_wh=wind_export_wh, meters=meters)
