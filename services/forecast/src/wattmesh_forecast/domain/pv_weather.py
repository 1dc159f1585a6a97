"""Generation from irradiance: what the plant made of it at that hour of the last four weeks.

The irradiance is that on the modules, less what warm modules lose: geometry and physics are in it.
What is left (size, inverter, losses, horizon, shading by hour) is the plant's own and is learnt
from its meter, hour by hour.
"""

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Bools, Floats, Rows
from wattmesh_forecast.domain.lags import known, same_hour

_DAYS = 28
_LEAST_SUM_W_M2 = 30.0
_SHARE = 0.9
"""Of what is said by irradiance, where it is known, beside the patterns: tried on a solar farm."""


def with_weather(said_w: Floats, batch: Batch, rows: Rows) -> Floats:
    """Return patterns (assets, n, patterns) [W], moved to what irradiance says where it is known.

    Each pattern keeps a tenth: 500 W beside 1,000 W by irradiance are 950 W.
    """
    if batch.irradiance_w_m2 is None:
        return said_w
    by = by_irradiance(batch, rows)[..., None]
    return np.where(np.isnan(by), said_w, said_w + _SHARE * (by - said_w))


def by_irradiance(batch: Batch, rows: Rows) -> Floats:
    """Return generation by irradiance (assets, n) [W], NaN where it cannot be told.

    Energy over irradiation at the same UTC hour of past days, times the target's irradiance: with
    1.8 kWh for 600 Wh/m², 400 W/m² give 1,200 W.
    """
    sun = batch.irradiance_w_m2
    assert sun is not None
    hours = same_hour(rows, _DAYS)
    came, shone = (known(values, hours, rows.last[:, None]) for values in (batch.power_w, sun))
    both: Bools = np.asarray(np.isfinite(came) & np.isfinite(shone))
    energy, irradiation = (np.where(both, values, 0.0).sum(axis=-1) for values in (came, shone))
    enough = irradiation > _LEAST_SUM_W_M2
    ratio = np.where(enough, energy / np.maximum(irradiation, _LEAST_SUM_W_M2), np.nan)
    return np.asarray(ratio * sun[:, rows.target])


def knows_weather(irradiance_w_m2: Floats | None, targets: range) -> bool:
    """Return whether the irradiance of all hours that are asked about is known."""
    return irradiance_w_m2 is not None and bool(
        np.isfinite(irradiance_w_m2[targets.start : targets.stop]).all()
    )
