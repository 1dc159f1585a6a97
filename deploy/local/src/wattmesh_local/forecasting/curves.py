"""Forecasts as plots: in the terminal, and as a PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

Floats: TypeAlias = NDArray[np.float64]

_ROWS = 10
_SIZE = (1200, 480)
_LEFT, _TOP, _RIGHT, _BOTTOM = 90, 50, 20, 50
_INK, _BAND, _LINE = (40, 40, 40), (198, 219, 239), (33, 113, 181)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Curve:
    """Quantiles of an asset's power, into it positive [kW], (n,)."""

    title: str
    start: datetime
    resolution: timedelta
    zone: ZoneInfo
    low_kw: Floats
    middle_kw: Floats
    high_kw: Floats

    @property
    def bounds_kw(self) -> tuple[float, float]:
        """The least and the most that is plotted, 0 among them."""
        every = np.concatenate([self.low_kw, self.middle_kw, self.high_kw])
        least, most = min(0.0, float(every.min())), max(0.0, float(every.max()))
        return least, most if most > least else least + 1.0

    def label(self, interval: int) -> str:
        """Return when an interval starts, by the site's clock."""
        return f"{(self.start + interval * self.resolution).astimezone(self.zone):%H:%M}"


def in_terminal(curve: Curve, rows: int = _ROWS) -> Text:
    """Return a plot of a column an interval: ░ the band, █ the median."""
    least, most = curve.bounds_kw
    step = (most - least) / rows
    low, middle, high = (
        np.clip((each - least) / step, 0, rows - 1).astype(np.int64)
        for each in (curve.low_kw, curve.middle_kw, curve.high_kw)
    )
    found = Text(curve.title + "\n", style="bold")
    for row in reversed(range(rows)):
        found.append(f"{least + (row + 0.5) * step:8.2f} ", style="dim")
        for interval in range(len(middle)):
            if middle[interval] == row:
                found.append("█", "blue")
            else:
                found.append("░" if low[interval] <= row <= high[interval] else " ", "cyan")
        found.append("\n")
    return found.append(" " * 9 + _times(curve) + "\n", style="dim")


def _times(curve: Curve) -> str:
    line = ""
    for interval in range(len(curve.middle_kw)):
        if interval >= len(line) and interval + 5 <= len(curve.middle_kw):
            line += f"{curve.label(interval):<12}"
    return line


def write_png(curve: Curve, file: Path) -> None:
    """Write a plot of band and median."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(image)
    least, most = curve.bounds_kw
    count = len(curve.middle_kw)

    def at(interval: float, value: float) -> tuple[float, float]:
        across = (_SIZE[0] - _LEFT - _RIGHT) * interval / max(count, 1)
        up = (_SIZE[1] - _TOP - _BOTTOM) * (value - least) / (most - least)
        return _LEFT + across, _SIZE[1] - _BOTTOM - up

    def steps(values: Floats) -> list[tuple[float, float]]:
        return [at(side, v) for n, v in enumerate(values.tolist()) for side in (n, n + 1)]

    draw.text((_LEFT, 15), curve.title, fill=_INK)
    draw.polygon([*steps(curve.high_kw), *reversed(steps(curve.low_kw))], fill=_BAND)
    draw.line(steps(curve.middle_kw), fill=_LINE, width=3)
    for value in np.linspace(least, most, 5):
        draw.line([at(0, value), at(count, value)], fill=(225, 225, 225))
        draw.text((10, at(0, value)[1] - 6), f"{value:8.2f} kW", fill=_INK)
    for interval in _ticks(count):
        draw.text((at(interval, least)[0], _SIZE[1] - _BOTTOM + 10), curve.label(interval), _INK)
    image.save(file, format="PNG")


def _ticks(count: int) -> Sequence[int]:
    return range(0, count, max(1, count // 12))
