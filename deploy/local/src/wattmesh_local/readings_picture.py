"""A picture of a site's readings: how many came of each point day by day, and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LEFT, _TOP, _LANE, _WIDTH = 260, 40, 16, 1200
_INK, _NONE, _ALL = (40, 40, 40), (245, 245, 245), (96, 165, 120)
_DAY = timedelta(days=1)
_COLOURS: Mapping[str, tuple[int, int, int]] = {
    "gap": (150, 150, 150),
    "spike": (200, 40, 40),
    "stuck": (150, 90, 200),
    "rate": (230, 140, 30),
}
_OTHER = (200, 40, 120)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found of a point, from the first to the last reading that is meant."""

    point: str
    kind: str
    first: datetime
    last: datetime


def draw(
    counts: Mapping[str, NDArray[np.float64]],
    start: datetime,
    findings: Sequence[Finding],
    file: Path,
) -> None:
    """Write a PNG: a lane a point, by day as green as readings came of the most it ever had.

    Parameters: `counts` has readings per day from `start` on, one row of days a point, NaN: none.
    """
    from PIL import Image, ImageDraw

    days = max((len(row) for row in counts.values()), default=1)
    size = (_LEFT + _WIDTH + 20, _TOP + _LANE * max(1, len(counts)) + 50)
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)

    def across(moment: datetime) -> float:
        share = (moment - start) / (days * _DAY)
        return _LEFT + _WIDTH * min(1.0, max(0.0, share))

    for lane, (point, row) in enumerate(sorted(counts.items())):
        top = _TOP + _LANE * lane
        pen.text((6, top + 1), point[-42:], fill=_INK)
        most = np.nanmax(row) if np.isfinite(row).any() else 1.0
        for day, share in enumerate(np.nan_to_num(row / max(most, 1.0)).tolist()):
            colour = tuple(round(a + (b - a) * share) for a, b in zip(_NONE, _ALL, strict=True))
            box = (across(start + day * _DAY), top, across(start + (day + 1) * _DAY), top + 11)
            pen.rectangle(box, fill=colour)
        for found in (each for each in findings if each.point == point):
            left, right = across(found.first), across(found.last)
            colour = _COLOURS.get(found.kind, _OTHER)
            pen.rectangle((left, top + 8, max(right, left + 2), top + 13), fill=colour)
    for day in range(0, days + 1, max(1, days // 12)):
        moment = start + day * _DAY
        pen.text((across(moment), size[1] - 44), moment.strftime("%m-%d"), fill=_INK)
    kinds = sorted({each.kind for each in findings})
    for place, kind in enumerate(kinds):
        left = _LEFT + 110 * place
        pen.rectangle((left, 14, left + 10, 24), fill=_COLOURS.get(kind, _OTHER))
        pen.text((left + 14, 12), kind, fill=_INK)
    image.save(file, format="PNG")
