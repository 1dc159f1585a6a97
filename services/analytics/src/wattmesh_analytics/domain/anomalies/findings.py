"""What is wrong, in words: since when, by how much, and what it costs."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np

from wattmesh_analytics.domain.anomalies import figures
from wattmesh_analytics.domain.anomalies.shift import Ints, Shift, Watch, shifts
from wattmesh_analytics.domain.energy import Bools, Floats
from wattmesh_kernel.ids import AssetId, DeviceId


class AnomalyKind(Enum):
    """What is wrong."""

    BASE_LOAD = "base_load"
    DAYS_OFF = "days_off"
    SENSOR_DRIFT = "sensor_drift"
    LOW_GENERATION = "low_generation"
    BATTERY_CAPACITY = "battery_capacity"
    BATTERY_EFFICIENCY = "battery_efficiency"
    HVAC_EFFICIENCY = "hvac_efficiency"


WATCHES = {
    AnomalyKind.BASE_LOAD: Watch(least_ratio=0.08, down=False, recent=14, sigmas=4.0),
    AnomalyKind.DAYS_OFF: Watch(
        least_ratio=0.5, down=False, recent=14, reference=56, sigmas=3.0, least_share=0.2
    ),
    AnomalyKind.SENSOR_DRIFT: Watch(least_ratio=0.02, recent=7, gap=28),
    AnomalyKind.LOW_GENERATION: Watch(least_ratio=0.05, up=False, recent=10, least_share=0.25),
    AnomalyKind.BATTERY_CAPACITY: Watch(
        least_ratio=0.1, up=False, gap=28, recent=14, least_share=0.3
    ),
    AnomalyKind.BATTERY_EFFICIENCY: Watch(
        least_ratio=0.05, up=False, gap=28, recent=14, least_share=0.3
    ),
    AnomalyKind.HVAC_EFFICIENCY: Watch(least_ratio=0.15, down=False, recent=14, least_share=0.4),
}
"""How each figure is watched; measured by `make bench-analytics`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Anomaly:
    """Something that is wrong since a day, was seen on another, and ended or did not.

    `value` beside `usual`, both in `unit`. `lost_wh`: energy that it costs per day; None: none.
    """

    kind: AnomalyKind
    subject: AssetId | DeviceId
    since: date
    seen: date
    ended: date | None
    value: float
    usual: float
    unit: str
    reason: str
    lost_wh_per_day: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """Which days figures are of, and which of them are days off."""

    days: tuple[date, ...]
    off: Bools

    @property
    def kinds(self) -> Ints:
        """0 on working days, 1 on days off."""
        return self.off.astype(np.int64)


def base_load(subject: AssetId, days: Days, consumption_wh: Floats) -> list[Anomaly]:
    """Return when the base load rose: something runs day and night that did not."""
    daily = figures.base_load_w(consumption_wh)
    return [
        _anomaly(
            *(AnomalyKind.BASE_LOAD, subject, days, each, "W"),
            f"the base load is {each.now:.0f} W instead of {each.usual:.0f} W: "
            "something runs day and night that did not",
            lost_wh_per_day=(each.now - each.usual) * 24,
        )
        for each in shifts(daily, WATCHES[AnomalyKind.BASE_LOAD], days.kinds)
    ]


def days_off(subject: AssetId, days: Days, consumption_wh: Floats) -> list[Anomaly]:
    """Return when days off began to look like working days: a schedule runs on."""
    daily = figures.days_off_ratio(consumption_wh, days.off)
    return [
        _anomaly(
            *(AnomalyKind.DAYS_OFF, subject, days, each, "ratio"),
            f"days off take {each.now:.0%} of a working day beyond the base load instead of "
            f"{each.usual:.0%}: a schedule runs on when nobody is there",
        )
        for each in shifts(daily, WATCHES[AnomalyKind.DAYS_OFF])
        if each.now >= 0.3
    ]


def drift(device: DeviceId, days: Days, check_wh: Floats, main_wh: Floats) -> list[Anomaly]:
    """Return when a check meter and the main meter began to disagree: one of them drifts."""
    daily = figures.beside(check_wh, main_wh)
    return [
        _anomaly(
            *(AnomalyKind.SENSOR_DRIFT, device, days, each, "ratio"),
            f"the check meter shows {each.now:.1%} of the main meter instead of {each.usual:.1%}: "
            "one of the two drifts",
        )
        for each in shifts(daily, WATCHES[AnomalyKind.SENSOR_DRIFT])
    ]


def low_generation(
    subject: AssetId, days: Days, generation_wh: Floats, irradiation_wh_per_m2: Floats
) -> list[Anomaly]:
    """Return when a plant began to give less of the same sun."""
    daily = figures.specific_yield(generation_wh, irradiation_wh_per_m2)
    usual_day = float(np.nanmean(np.nansum(generation_wh, axis=1))) if len(generation_wh) else 0.0
    return [
        _anomaly(
            *(AnomalyKind.LOW_GENERATION, subject, days, each, "m²"),
            f"the plant gives {1 - each.ratio:.0%} less of the same sun: "
            "dirt, shade, or a part of it is out",
            lost_wh_per_day=usual_day * max(1 / each.ratio - 1, 0.0),
        )
        for each in shifts(daily, WATCHES[AnomalyKind.LOW_GENERATION])
    ]


def battery(subject: AssetId, days: Days, net_wh: Floats, soc_ratio: Floats) -> list[Anomaly]:
    """Return when a battery began to hold less, or to lose more, as its operation shows."""
    capacity, round_trip = figures.battery_days(net_wh, soc_ratio)
    given = float(np.nanmean(np.nansum(np.maximum(-net_wh, 0), axis=1))) if len(net_wh) else 0.0
    held = [
        _anomaly(
            *(AnomalyKind.BATTERY_CAPACITY, subject, days, each, "Wh"),
            f"the battery holds {each.now / 1000:.1f} kWh instead of {each.usual / 1000:.1f} kWh, "
            "by what goes in and out for its state of charge",
            lost_wh_per_day=given * (1 / each.ratio - 1),
        )
        for each in shifts(capacity, WATCHES[AnomalyKind.BATTERY_CAPACITY])
    ]
    lost = [
        _anomaly(
            *(AnomalyKind.BATTERY_EFFICIENCY, subject, days, each, "ratio"),
            f"of what goes into the battery {each.now:.0%} comes out again instead of "
            f"{each.usual:.0%}",
            lost_wh_per_day=given * (1 / each.now - 1 / each.usual),
        )
        for each in shifts(round_trip, WATCHES[AnomalyKind.BATTERY_EFFICIENCY])
    ]
    return held + lost


def hvac(
    subject: AssetId, days: Days, energy_wh: Floats, inside: Floats, outside: Floats
) -> list[Anomaly]:
    """Return when heating or cooling began to take more for the same weather."""
    daily = figures.energy_per_degree_hour(energy_wh, inside, outside)
    used = float(np.nanmean(np.nansum(energy_wh, axis=1))) if len(energy_wh) else 0.0
    return [
        _anomaly(
            *(AnomalyKind.HVAC_EFFICIENCY, subject, days, each, "Wh/Kh"),
            f"heating or cooling takes {each.ratio - 1:.0%} more for the same difference to the "
            "outside: a filter, the refrigerant, or a window",
            lost_wh_per_day=used * (1 - 1 / each.ratio),
        )
        for each in shifts(daily, WATCHES[AnomalyKind.HVAC_EFFICIENCY])
    ]


def _anomaly(
    kind: AnomalyKind,
    subject: AssetId | DeviceId,
    days: Days,
    shift: Shift,
    unit: str,
    reason: str,
    *,
    lost_wh_per_day: float | None = None,
) -> Anomaly:
    return Anomaly(
        kind=kind,
        subject=subject,
        since=days.days[shift.since],
        seen=days.days[shift.found],
        ended=None if shift.ended is None else days.days[shift.ended],
        value=shift.now,
        usual=shift.usual,
        unit=unit,
        reason=reason,
        lost_wh_per_day=lost_wh_per_day,
    )
