"""From what was seen of a zone or tank to the intervals that are asked for."""

from datetime import date, timedelta

import numpy as np

from wattmesh_forecast.app.thermal_history import ThermalPast
from wattmesh_forecast.domain.thermal import expected
from wattmesh_forecast.domain.thermal.along import along_ratios
from wattmesh_forecast.domain.thermal.days_off import days_off
from wattmesh_forecast.domain.thermal.record import Floats
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject
from wattmesh_forecast.domain.wanted import Wanted


class Ahead:
    """Takes series from the raster of the past over to the intervals asked for."""

    def __init__(
        self, past: ThermalPast, wanted: Wanted, days_off: frozenset[date] = frozenset()
    ) -> None:
        self._past = past
        self._wanted = wanted
        self.days_off = days_off
        self.hours = past.step / timedelta(hours=1)
        self.per_day = round(24.0 / self.hours)
        self.count = max(1, -(-(wanted.span.end - past.end) // past.step))

    def asked(self, values: Floats) -> Floats:
        """Return values that begin where the past ends, on the raster asked for."""
        wanted, past = self._wanted, self._past
        count = wanted.span.count(wanted.resolution)
        return expected.on_raster(
            values, past.end, past.step, wanted.span.start, wanted.resolution, count
        )

    def asked_if_known(self, values: Floats) -> Floats | None:
        """Return the same; None where some of it is not known."""
        return self.asked(values) if np.isfinite(values).all() else None


def days_off_of(
    past: ThermalPast, subject: ThermalSubject, holidays: frozenset[date]
) -> frozenset[date]:
    """Return the holidays on which its building rests: who was in says it, else what it drew."""
    load = past.power_w if past.loads_w is None else past.loads_w
    busy = load if past.occupancy is None else past.occupancy
    return days_off(holidays, busy, past.start, past.step, subject.zone)


def along(past: ThermalPast, subject: ThermalSubject, ahead: Ahead) -> Floats | None:
    """Return what loads draw along with a watt of the plants; None: nothing, or not known."""
    if past.loads_w is None or past.plants_w is None:
        return None
    count, step, zone = len(past.loads_w), past.step, subject.zone
    known = expected.slots(past.start, step, zone, count, ahead.days_off)
    coming = expected.slots(past.end, step, zone, ahead.count, ahead.days_off)
    found = along_ratios(past.loads_w, past.plants_w, known, ahead.per_day, coming)
    return ahead.asked(found) if found.any() else None
