"""Synthetic homes: what their meters showed before the run, and show while it goes on.

Every home has a grid meter, a load that follows from the balance, solar and a battery. All of them
share one shape per point, scaled by the home, so that thousands of them cost nothing to make.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HISTORY_DAYS = 21
"""Enough for every pattern of a forecast, and for training a model."""
STEP = timedelta(minutes=15)
HOUR = timedelta(hours=1)
METER, INVERTER, BATTERY = "meter", "inverter", "battery"
POINTS = (
    (METER, "import_energy_wh"),
    (METER, "export_energy_wh"),
    (INVERTER, "export_energy_wh"),
    (BATTERY, "import_energy_wh"),
    (BATTERY, "export_energy_wh"),
    (BATTERY, "soc_ratio"),
)
"""What a home's devices report, in the order of the columns."""
PV_PEAK_W = 4_000.0
BATTERY_CAPACITY_WH = 10_000.0
BATTERY_LIMIT_W = 5_000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """One home: `number` from 0, its gateway, and how large it is."""

    number: int
    gateway: str

    @property
    def site(self) -> str:
        """Its resource name."""
        return f"sites/home-{self.number}"

    @property
    def scale(self) -> float:
        """How large the home is, from 0.5 to 1.5."""
        return 0.5 + self.number % 11 / 10

    @property
    def soc_ratio(self) -> float:
        """What its battery reports, from 0.2 to 0.8."""
        return 0.2 + self.number % 7 / 10

    def point(self, device: str, quantity: str) -> str:
        """Return the resource name of a point."""
        return f"{self.site}/devices/{device}/points/{quantity}"


def make_homes(count: int, homes_per_gateway: int) -> list[Home]:
    """Return `count` homes, spread over as many gateways as it takes."""
    return [
        Home(number=number, gateway=f"gateways/bench-{number // homes_per_gateway}")
        for number in range(count)
    ]


class Meters:
    """What every point shows on the quarter hours from `HISTORY_DAYS` before `start` on."""

    def __init__(self, start: datetime, days_after: int = 3) -> None:
        self._begin = start - timedelta(days=HISTORY_DAYS)
        self._shapes = _shapes((HISTORY_DAYS + days_after) * 96)

    def history(self, until: datetime) -> list[datetime]:
        """Return the hours of the history, `until` included."""
        hours = (until - self._begin) // HOUR
        return [self._begin + hour * HOUR for hour in range(hours + 1)]

    def values(self, homes: Sequence[Home], times: Sequence[datetime]) -> Floats:
        """Return readings by time, home and point."""
        steps = [(moment - self._begin) // STEP for moment in times]
        scales = np.array([home.scale for home in homes])
        values: Floats = self._shapes[steps][:, None, :] * scales[None, :, None]
        values[:, :, -1] = np.array([home.soc_ratio for home in homes])
        return values


def _shapes(steps: int) -> Floats:
    """Return the registers [Wh] of a home of scale 1 by step and point; the last column is free.

    Load peaks in the evening, more at weekends; the sun shines from 6 to 18 h, differently each
    day; the battery charges a little at noon and gives it back in the evening.
    """
    hour = np.arange(steps) % 96 / 4
    day = np.arange(steps) // 96
    load_w = 300 + 900 * np.exp(-(((hour - 19) / 3) ** 2)) + 150 * (day % 7 > 4)
    sky = 0.6 + 0.4 * np.sin(1.7 * day)
    pv_w = PV_PEAK_W * 0.8 * sky * np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None)
    battery_w = 800.0 * ((hour >= 11) & (hour < 13)) - 700.0 * ((hour >= 19) & (hour < 21))
    net_w = load_w - pv_w + battery_w
    powers_w = [
        *(np.clip(net_w, 0, None), np.clip(-net_w, 0, None), pv_w),
        *(np.clip(battery_w, 0, None), np.clip(-battery_w, 0, None), np.zeros(steps)),
    ]
    energies: Floats = np.cumsum(np.stack(powers_w, axis=1), axis=0) / 4
    return energies
