"""What sensors and meters of rooms and tanks would have read before the twin began."""

from datetime import datetime, timedelta

import numpy as np

from wattmesh_kernel.ids import DeviceId, PointId
from wattmesh_kernel.time import TimeRange, ceil_time
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.history import PastReadings
from wattmesh_twin.domain.zone import as_shown

RESOLUTION = timedelta(minutes=30)
"""As finely as zones are identified."""


def room_history(device: DeviceId, twin: ZoneTwin, end: datetime) -> PastReadings:
    """Return what was read from when the room's past begins until `end`, which is not read.

    The clock must have reached `end`: LookAhead otherwise.
    """
    twin.import_wh(end)
    first = ceil_time(twin.past[0].time, RESOLUTION)
    times = tuple(TimeRange(first, end).starts(RESOLUTION)) if first < end else ()
    wanted = set(times)
    states = {state.time: state for state in twin.past if state.time in wanted}
    outdoor = [twin.zone.climate.at(each).outdoor_celsius for each in times]
    return PastReadings(
        times=times,
        readings={
            PointId(device, name): np.array(values)
            for name, values in (
                ("active_power_w", [round(states[each].power_w) for each in times]),
                ("import_energy_wh", [round(states[each].import_wh, 1) for each in times]),
                (
                    "temperature_celsius",
                    [as_shown(states[each].interior_celsius) for each in times],
                ),
                ("outdoor_temperature_celsius", [as_shown(each) for each in outdoor]),
            )
        },
    )


def tank_history(device: DeviceId, twin: TankTwin, end: datetime) -> PastReadings:
    """Return what was read of a tank from where it stands until `end`, which is not read."""
    first = ceil_time(twin.standing.time, RESOLUTION)
    times = tuple(TimeRange(first, end).starts(RESOLUTION)) if first < end else ()
    states = [twin.advance(each) for each in times]
    return PastReadings(
        times=times,
        readings={
            PointId(device, name): np.array(values)
            for name, values in (
                ("active_power_w", [round(each.power_w) for each in states]),
                ("import_energy_wh", [round(each.import_wh, 1) for each in states]),
                ("temperature_celsius", [round(each.celsius, 1) for each in states]),
            )
        },
    )
