"""What a device has really done, read from its power without any noise: the verdict to be found."""

import numpy as np

from tests.fakes.lying_devices import STEP_S, Floats
from wattmesh_control.domain.effects.verdict import Effect

_SETTLING_S = 10.0
_TOLERANCE_RATIO = 0.1
_LEAST_TOLERANCE_W = 200.0
_NOTHING_RATIO = 0.15
_EDGE = 0.15
"""How near to the end of the tolerance it may be either, as a share of the tolerance."""


def true_effects(true_w: Floats, begin_s: float, end_s: float, asked_w: float) -> frozenset[Effect]:
    """Return what a command came to that was written at `begin_s` and held until `end_s`.

    It is two where the tolerance ends just there: no meter with noise could say which.
    """
    return frozenset(
        _effect(true_w, begin_s, end_s, asked_w, scale) for scale in (1 - _EDGE, 1.0, 1 + _EDGE)
    )


def _effect(true_w: Floats, begin_s: float, end_s: float, asked_w: float, scale: float) -> Effect:
    first, last = int(begin_s / STEP_S), int(end_s / STEP_S)
    base_w = float(true_w[first - 2])
    after = true_w[int(np.ceil((begin_s + _SETTLING_S) / STEP_S)) : last]
    tolerance_w = scale * max(_LEAST_TOLERANCE_W, _TOLERANCE_RATIO * abs(asked_w))
    at = np.abs(after - asked_w) <= tolerance_w
    stepped = abs(asked_w - base_w) > tolerance_w
    if at.mean() >= 0.95:
        arrived = np.abs(true_w[first:last] - asked_w) <= abs(asked_w - base_w) / 2
        late = stepped and np.argmax(arrived) * STEP_S > _SETTLING_S + STEP_S / 2
        return Effect.PARTIAL if late else Effect.CONFIRMED
    if at[0] and not at[-1]:
        return Effect.PARTIAL
    return _moved(base_w, float(np.median(after)), asked_w, tolerance_w, scale * _NOTHING_RATIO)


def _moved(
    base_w: float, came_w: float, asked_w: float, tolerance_w: float, nothing_ratio: float
) -> Effect:
    way, step = came_w - base_w, asked_w - base_w
    if abs(way) <= min(tolerance_w / 2, nothing_ratio * abs(step)):
        return Effect.NONE
    if abs(way) <= nothing_ratio * abs(step) and came_w * asked_w >= 0:
        return Effect.NONE
    against = came_w * asked_w < 0 and min(abs(came_w), abs(asked_w)) > tolerance_w
    return Effect.CONTRARY if against or way * step < 0 else Effect.PARTIAL
