"""How much a vehicle will need where nobody says: a distribution, of which plans get the far end.

A vehicle that is full stops by itself: what is expected too high costs a little, what is expected
too low is missed. So it is what nine of ten sessions like it need.
"""

from collections.abc import Sequence

import numpy as np

from wattmesh_usage.domain.departures import Floats, PastStay

ENERGY_RATIO = 0.9
"""What nine of ten need."""
_USUAL_WH = (2e3, 5e3, 8e3, 12e3, 18e3, 25e3, 35e3, 50e3)
"""What sessions are taken to need where nothing is known: errands, commutes, long ways."""
_USUAL_WEIGHT = 0.5
_OTHERS_WEIGHT = 3.0
"""What all other vehicles of the place count together, in sessions of one's own."""
_MOST_OWN = 30
_MOST_OTHERS = 120
_FURTHER_RATIO = 1.25
"""Where it has taken more than anybody before: a quarter more."""


def required_energy_wh(
    vehicle: str, past: Sequence[PastStay], charged_wh: float | None = None
) -> float:
    """Return what nine of ten sessions like this one need from the arrival on [Wh].

    Sessions of the vehicle count one each, those of all others together three, what is usual half
    of one. `charged_wh`: what it has taken so far; those that needed less are no longer like it.

    Worked: without any session 50 kWh; after eight sessions of 8 kWh each, 8 kWh; of those, once it
    has taken 8.1 kWh, 50 kWh.
    """
    known = [each for each in past if each.energy_wh is not None]
    own = [each for each in known if vehicle and each.vehicle == vehicle][-_MOST_OWN:]
    others = [each for each in known if not vehicle or each.vehicle != vehicle][-_MOST_OTHERS:]
    parts = [
        (_energies(own), float(len(own))),
        (_energies(others), min(float(len(others)), _OTHERS_WEIGHT)),
        (np.array(_USUAL_WH), _USUAL_WEIGHT),
    ]
    values = np.concatenate([each for each, _ in parts])
    weights = np.concatenate(
        [np.full(len(each), total / max(len(each), 1)) for each, total in parts]
    )
    if charged_wh is not None:
        more = values > charged_wh
        if not more.any():
            return charged_wh * _FURTHER_RATIO
        values, weights = values[more], weights[more]
    order = np.argsort(values)
    passed = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(passed, ENERGY_RATIO)])


def _energies(stays: Sequence[PastStay]) -> Floats:
    return np.array([each.energy_wh for each in stays], dtype=np.float64)
