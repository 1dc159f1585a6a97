"""Whether a site's own meter saw the steps that its devices were told to make.

The meter at the grid connection sees everything at once: loads, sun, and what devices do. At an
edge (a command begins or ends) its median just after is compared with its median just before. What
the site does by itself over the same time is known from the same comparison at every other moment
of the hours around: a placebo, from which comes the noise, with its tails. Then every story is
tried: each device that was to step at that edge did what it claims, did nothing, or did the
opposite. What all stories that fit the meter agree upon is known; the rest is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wattmesh_control.domain.effects.windows import Floats, index_from, index_until
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.series import Series

_COUNTS = (2, 3, 4, 6, 8, 12)
"""How many intervals a median may be of; the quietest is taken."""
_LEAST_PLACEBOS = 30
_MAD_TO_SD = 1.4826
_P95_TO_SD = 1 / 1.96
FITS_SD = 2.0
MAY_FIT_SD = 3.0
SCALE_RATIO = 0.05
"""How far claims may be off, as a share of the largest: losses, and meters' own errors."""
_NEGLIGIBLE_SD = 0.5
MOST_RIVALS = 4


class StepAnswer(Enum):
    """What a site's meter says of one device at one edge."""

    AGREES = "agrees"
    STILL = "still"
    """It did not move as it claims."""
    CONTRARY = "contrary"
    NOISE = "noise"
    """The site's other loads move as much."""
    AMBIGUOUS = "ambiguous"
    """Stories that fit differ about it."""
    NO_STORY = "no_story"
    """No story fits."""
    DOUBTED = "doubted"
    """It probably did not do what it claims, against what is known of it."""
    NOT_METERED = "not_metered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """When a device was to step: told between, done by the end (settling included)."""

    device: DeviceId
    begin: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StepFinding:
    """The answer, with the step of the meter and the noise in it [W]; None: not resolved."""

    answer: StepAnswer
    claim_w: float = 0.0
    step_w: float | None = None
    noise_w: float | None = None
    others_w: Mapping[DeviceId, float] | None = None
    """The steps of other devices at the same edge, by their own meters [W]; None: not all known."""

    @property
    def rivals(self) -> int:
        """So many other devices stepped at the same edge."""
        return len(self.others_w or ())


@dataclass(frozen=True, slots=True)
class _Window:
    """Medians of `count` intervals before `first`, and from `first + gap` on."""

    first: int
    gap: int
    count: int

    def step(self, values: Floats) -> float:
        start = self.first + self.gap
        before = values[max(self.first - self.count, 0) : max(self.first, 0)]
        after = values[max(start, 0) : max(start + self.count, 0)]
        if len(before) < self.count or len(after) < self.count:
            return float("nan")
        return float(np.median(after) - np.median(before))

    def touches(self, low: int, high: int) -> bool:
        return low < self.first + self.gap + self.count and high > self.first - self.count


def judge_step(
    site: Series,
    edge: Edge,
    others: Sequence[Edge],
    claims: Mapping[DeviceId, Series | float],
    end: datetime,
) -> StepFinding:
    """Return what a site's meter says of the device of `edge`.

    Parameters: `site` power into the site, less what is known of devices that are not steered;
    `others` the edges of the site's devices, those of this device too; `claims` by device its own
    meter at the site's intervals, or the step that it was told to make [W]; `end` until when the
    device was to stay there.
    """
    busy = [(index_until(site, x.begin), index_from(site, x.end)) for x in (edge, *others)]
    best: StepFinding | None = None
    first, gap = busy[0][0], busy[0][1] - busy[0][0]
    last = index_until(site, end)
    for count in _COUNTS:
        window = _Window(first, gap, count)
        if first + gap + count > last:
            break
        found = _judge_window(site, window, edge, others, busy, claims)
        if found is not None and (best is None or _quieter(found, best)):
            best = found
    return best or StepFinding(answer=StepAnswer.NOT_METERED)


def _quieter(found: StepFinding, best: StepFinding) -> bool:
    return (found.noise_w or 0.0) < (best.noise_w or 0.0)


def _judge_window(
    site: Series,
    window: _Window,
    edge: Edge,
    others: Sequence[Edge],
    busy: Sequence[tuple[int, int]],
    claims: Mapping[DeviceId, Series | float],
) -> StepFinding | None:
    """Return what one width of medians says; None when it cannot be had."""
    rivals = {
        other.device
        for other, (low, high) in zip(others, busy[1:], strict=True)
        if other.device != edge.device and window.touches(low, high)
    }
    noise_w = _noise(site.values, window, busy)
    step_w = window.step(site.values)
    if noise_w is None or not np.isfinite(step_w):
        return None
    own_w = _claim(claims.get(edge.device), window)
    others_w = {device: _claim(claims.get(device), window) for device in sorted(rivals)}
    if own_w is None or None in others_w.values():
        return StepFinding(answer=StepAnswer.AMBIGUOUS, step_w=step_w, noise_w=noise_w)
    known = {
        device: x
        for device, x in others_w.items()
        if x is not None and abs(x) > _NEGLIGIBLE_SD * noise_w
    }
    answer = _tell(step_w, noise_w, own_w, list(known.values()))
    return StepFinding(answer=answer, claim_w=own_w, step_w=step_w, noise_w=noise_w, others_w=known)


def _claim(claim: Series | float | None, window: _Window) -> float | None:
    if not isinstance(claim, Series):
        return claim
    step_w = window.step(claim.values)
    return step_w if np.isfinite(step_w) else None


def _noise(values: Floats, window: _Window, busy: Sequence[tuple[int, int]]) -> float | None:
    """Return one standard deviation of what the site does by itself, tails included [W].

    None when there is not enough of a past in which nobody stepped.
    """
    width = 2 * window.count + window.gap
    if len(values) < width + _LEAST_PLACEBOS:
        return None
    spans = sliding_window_view(values, width)
    quiet = np.array(np.isfinite(spans).all(axis=1))
    for low, high in busy:
        quiet[max(low - width + 1, 0) : max(high, 0)] = False
    chosen = spans[quiet]
    if len(chosen) < _LEAST_PLACEBOS:
        return None
    after = np.median(chosen[:, window.count + window.gap :], axis=1)
    sizes = np.abs(after - np.median(chosen[:, : window.count], axis=1))
    return max(
        float(np.median(sizes)) * _MAD_TO_SD, float(np.quantile(sizes, 0.95)) * _P95_TO_SD, 1.0
    )


def _tell(step_w: float, noise_w: float, own_w: float, others_w: Sequence[float]) -> StepAnswer:
    """Try every story and return what those that fit agree upon."""
    if len(others_w) > MOST_RIVALS:
        return StepAnswer.AMBIGUOUS
    slack_w = SCALE_RATIO * max(map(abs, (own_w, *others_w)))
    off_w: dict[float, float] = {}
    for own, *rest in product((1.0, 0.0, -1.0), repeat=1 + len(others_w)):
        told_w = own * own_w + sum(x * y for x, y in zip(rest, others_w, strict=True))
        off_w[own] = min(off_w.get(own, np.inf), abs(step_w - told_w))
    near = [own for own, off in off_w.items() if off <= MAY_FIT_SD * noise_w + slack_w]
    if len(near) > 1:
        return StepAnswer.AMBIGUOUS if others_w else StepAnswer.NOISE
    if not near or off_w[near[0]] > FITS_SD * noise_w + slack_w:
        return StepAnswer.NO_STORY
    return {1.0: StepAnswer.AGREES, 0.0: StepAnswer.STILL}.get(near[0], StepAnswer.CONTRARY)
