"""How sessions at Dutch charge points are distributed, from the data of the wheel ev2gym 2.0.0.

Source: ElaadNL, open data of charge points in the Netherlands, as Orfanoudakis, Diaz-Londono, Emre
Yilmaz, Palensky and Vergara, "EV2Gym", 2024, packaged them (MIT licence).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_twin.domain.drawn_visits import Floats, SessionDistributions

_COLUMNS = {"home": "private", "workplace": "workplace"}
_QUARTERS = 96
_HUNDREDTHS = 101


def session_distributions(folder: Path, place: str) -> SessionDistributions:
    """Return those of a place, `home` or `workplace`; InvalidArgument when a file is not there.

    The wheel knows no arrivals at workplaces on weekends: there it is the working days'.
    """
    name = _COLUMNS[place]
    weekdays = _column(folder / "distribution-of-arrival.csv", name, _QUARTERS)
    weekends = weekdays
    if place == "home":
        weekends = _column(folder / "distribution-of-arrival-weekend.csv", name, _QUARTERS)
    return SessionDistributions(
        weekday_arrivals=weekdays,
        weekend_arrivals=weekends,
        stay_hours=_column(folder / "distribution-of-connection-time.csv", name, _HUNDREDTHS),
        energy_wh=1000.0 * _column(folder / "distribution-of-energy-demand.csv", name, _HUNDREDTHS),
    )


def _column(path: Path, name: str, count: int) -> Floats:
    try:
        values = pd.read_csv(path, encoding="utf-8-sig")[name].to_numpy(dtype=np.float64)
    except (OSError, ValueError, KeyError) as error:
        raise InvalidArgument("INVALID_FILE", f"{path.name}: {error}", field="data") from error
    if values.size != count or not np.isfinite(values).all():
        raise InvalidArgument("INVALID_FILE", f"{path.name}: {values.size} rows", field="data")
    return np.asarray(values)
