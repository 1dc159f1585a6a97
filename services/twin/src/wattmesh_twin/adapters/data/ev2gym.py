"""How sessions at Dutch charge points are distributed, from the data of the wheel ev2gym 2.0.0.

Source: ElaadNL, open data of charge points in the Netherlands, as Orfanoudakis, Diaz-Londono, Emre
Yilmaz, Palensky and Vergara, "EV2Gym", 2024, packaged them (MIT licence).
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_twin.domain.drawn_visits import Floats, SessionDistributions

_ARRIVALS = {"home": "private", "workplace": "workplace"}
_MEANS = {"home": "home", "workplace": "work"}
_QUARTERS, _HALF_HOURS = 96, 48


def session_distributions(folder: Path, place: str) -> SessionDistributions:
    """Return those of a place, `home` or `workplace`; InvalidArgument when a file is not there.

    The wheel knows no arrivals at workplaces on weekends: there it is the working days'. Nobody
    arrives at times of day of which it has no mean.
    """
    stays = _by_time(folder / "mean-session-length-per.csv", _MEANS[place], _HALF_HOURS)
    energies = _by_time(folder / "mean-demand-per-arrival.csv", _MEANS[place], _HALF_HOURS)
    known = np.repeat(np.isfinite(stays) & np.isfinite(energies), 2)
    weekdays = _arrivals(folder / "distribution-of-arrival.csv", place, known)
    weekends = weekdays
    if place == "home":
        weekends = _arrivals(folder / "distribution-of-arrival-weekend.csv", place, known)
    return SessionDistributions(
        weekday_arrivals=weekdays,
        weekend_arrivals=weekends,
        mean_stay_hours=stays,
        mean_energy_wh=1000.0 * energies,
    )


def _arrivals(path: Path, place: str, known: NDArray[np.bool_]) -> Floats:
    weights = _by_time(path, _ARRIVALS[place], _QUARTERS)
    return np.where(known & np.isfinite(weights), weights, 0.0)


def _by_time(path: Path, name: str, count: int) -> Floats:
    """Return a column in the order of the time of day, which is the first; NaN: not known."""
    try:
        table = pd.read_csv(path, encoding="utf-8-sig")
        column = table.set_index(table.columns[0])[name]
    except (OSError, ValueError, KeyError) as error:
        raise InvalidArgument("INVALID_FILE", f"{path.name}: {error}", field="data") from error
    step = 24 * 60 // count
    times = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 24 * 60, step)]
    return np.asarray(column.reindex(times), dtype=np.float64)
