"""Physics of a tank of hot water: fully mixed, with standing loss, draws and a heater.

    C dT/dt = COP P - k (T - T_ambient) - draw

Solved exactly over each step, over which power and draw are constant. Draws are as much as tapping
pattern M of Regulation (EU) 814/2013, Annex III (5.845 kWh a day), gathered into four of a half
hour or an hour; the COP is Ruhnau's (see `zone.py`), with the lift from outdoors to the tank;
a heating element has 1.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_kernel.checks import require_at_least, require_positive

STEP = timedelta(minutes=1)
_DRAWS = ((7.0, 7.5, 2.3), (12.5, 13.0, 0.7), (19.0, 20.0, 0.845), (21.0, 21.5, 2.0))
"""From and to which hour, and how much [kWh]; 5.845 together."""


def drawn_w(moment: datetime, factor: float = 1.0) -> float:
    """Return the heat that users take at a moment [W], UTC; `factor` is their size."""
    hour = moment.hour + moment.minute / 60.0
    for start, end, energy_kwh in _DRAWS:
        if start <= hour < end:
            return factor * energy_kwh * 1000.0 / (end - start)
    return 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TankSpec:
    """A tank: capacity [Wh/K], standing loss [W/K], temperature around it [°C], its heater [W].

    `cop_ratio`: heat per electric energy of a heater that has always the same: 1 for an element.
    """

    capacity_wh_per_k: float = 290.0
    loss_w_per_k: float = 2.0
    ambient_celsius: float = 18.0
    heater_w: float = 700.0
    hysteresis_k: float = 3.0
    quality_ratio: float = 0.8
    cop_ratio: float | None = None

    def __post_init__(self) -> None:
        require_positive(self.capacity_wh_per_k, "capacity_wh_per_k")
        require_positive(self.loss_w_per_k, "loss_w_per_k")
        require_at_least(self.heater_w, 0, "heater_w")


@dataclass(frozen=True, kw_only=True, slots=True)
class TankState:
    """A tank at a moment: its temperature [°C], its heater's power [W] and register [Wh]."""

    time: datetime
    celsius: float = 52.0
    power_w: float = 0.0
    import_wh: float = 0.0


def cop(spec: TankSpec, celsius: float, outdoor_celsius: float) -> float:
    """Return heat per electric energy: 6.08 - 0.09 d + 0.0005 d², over a lift of d kelvins.

    From 5 to 50 °C, d = 45: 3.04; times 0.8 in the field: 2.43.
    """
    if spec.cop_ratio is not None:
        return spec.cop_ratio
    lift = max(celsius - outdoor_celsius, 15.0)
    return spec.quality_ratio * (6.08 - 0.09 * lift + 0.0005 * lift**2)


def advance(
    spec: TankSpec,
    state: TankState,
    setpoint_celsius: float,
    outdoor_celsius: float,
    draw_w: float,
    step: timedelta = STEP,
    most_w: float | None = None,
) -> TankState:
    """Return the tank after a step; its thermostat heats from a hysteresis below the setpoint.

    `most_w`: what its heater may draw meanwhile [W]; None: all that it can.
    """
    heater_w = spec.heater_w if most_w is None else min(most_w, spec.heater_w)
    starts = state.celsius <= setpoint_celsius - spec.hysteresis_k
    goes_on = state.power_w > 0 and state.celsius < setpoint_celsius
    power_w = heater_w if starts or goes_on else 0.0
    heat_w = power_w * cop(spec, state.celsius, outdoor_celsius) - draw_w
    hours = step / timedelta(hours=1)
    keep = math.exp(-hours * spec.loss_w_per_k / spec.capacity_wh_per_k)
    rests = spec.ambient_celsius + heat_w / spec.loss_w_per_k
    return replace(
        state,
        time=state.time + step,
        celsius=rests + (state.celsius - rests) * keep,
        power_w=power_w,
        import_wh=state.import_wh + power_w * hours,
    )
