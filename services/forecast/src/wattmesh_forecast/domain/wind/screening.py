"""Hours of wind turbines from which nothing is learnt: beyond the rating, or held back."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours
from wattmesh_forecast.domain.input_faults import Finding, InputFault
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.wind.held_back import held_back
from wattmesh_forecast.domain.wind.turbine import Turbine

_RATING_MARGIN = 1.2


def screened_turbines(
    read: Sequence[tuple[Subject, AssetHours]],
) -> list[AssetHours]:
    """Return turbines' hours without those that cannot be, or that a limit made."""
    return [_screened(subject, hours) for subject, hours in read]


def _screened(subject: Subject, hours: AssetHours) -> AssetHours:
    assert subject.turbine is not None
    turbine, wind = Turbine.of(subject.turbine), hours.wind_m_per_s
    ratio = hours.power_w / turbine.rated_w
    beyond = ratio > _RATING_MARGIN
    limited = ~beyond & held_back(ratio, None if wind is None else turbine.ratio(wind))
    checks = ((InputFault.SPIKE, beyond), (InputFault.CURTAILED, limited))
    found = tuple(
        Finding(fault=fault, hours=int(each.sum())) for fault, each in checks if each.any()
    )
    if not found:
        return hours
    power = np.where(beyond | limited, np.nan, hours.power_w)
    return replace(hours, power_w=power, findings=found)
