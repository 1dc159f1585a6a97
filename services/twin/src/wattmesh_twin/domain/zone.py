"""Physics of a heated or cooled zone: interior, envelope and emitter, between people and weather.

The three nodes are those of the model TiTeTh of P. Bacher and H. Madsen, Identifying suitable
models for the heat dynamics of buildings, Energy and Buildings 43 (2011) 1511-1522, with the
interior's own exchange of air with outdoors, and a share of the sun that falls on the inside of the
envelope:

    C_i dT_i/dt = (T_e - T_i)/R_ie + (T_out - T_i)/R_io + (T_h - T_i)/R_ih + A_i I + Q_people
    C_e dT_e/dt = (T_i - T_e)/R_ie + (T_out - T_e)/R_eo + A_e I
    C_h dT_h/dt = (T_i - T_h)/R_ih + Q_plant

It is richer than the model that the platform identifies (two nodes, everything through the air), as
buildings are. Temperatures [°C], heat and power [W], irradiance I on the horizontal [W/m²].
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from wattmesh_kernel.checks import require_at_least, require_positive

STEP = timedelta(seconds=60)
"""Explicit Euler with a minute is stable for emitters of more than a few minutes."""


class Mode(StrEnum):
    """What a thermostat does."""

    OFF = "off"
    HEATING = "heating"
    COOLING = "cooling"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What acts on a zone from outside: the weather, and people and devices inside [W]."""

    outdoor_celsius: float
    irradiance_w_per_m2: float = 0.0
    gains_w: float = 0.0


class Climate(Protocol):
    """Surroundings over time."""

    def at(self, moment: datetime) -> Surroundings:
        """Return what acts on the zone at a moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneSpec:
    """Capacities [Wh/K], resistances [K/W] and apertures [m²] of a zone; all positive."""

    interior_wh_per_k: float = 2500.0
    envelope_wh_per_k: float = 12000.0
    emitter_wh_per_k: float = 150.0
    interior_envelope_k_per_w: float = 0.0012
    envelope_outdoor_k_per_w: float = 0.009
    interior_outdoor_k_per_w: float = 0.018
    interior_emitter_k_per_w: float = 0.0015
    interior_aperture_m2: float = 3.0
    envelope_aperture_m2: float = 4.0

    def __post_init__(self) -> None:
        for field in self.__slots__:
            require_positive(getattr(self, field), field)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantSpec:
    """A machine that heats or cools by electric power between its least and its most [W].

    `quality_ratio` scales its efficiency; `floor_heating`: its water is as cool as floors take it.
    """

    max_power_w: float
    min_power_w: float = 0.0
    quality_ratio: float = 0.85
    floor_heating: bool = False

    def __post_init__(self) -> None:
        require_positive(self.max_power_w, "max_power_w")
        require_at_least(self.min_power_w, 0, "min_power_w")
        require_positive(self.quality_ratio, "quality_ratio")


def heating_cop(plant: PlantSpec, outdoor_celsius: float) -> float:
    """Return heat per electric energy of an air-source heat pump.

    COP = 6.08 - 0.09 d + 0.0005 d² over the lift d from outdoor air to the water, which is at
    40 °C - T_out for radiators and 30 °C - 0.5 T_out for floors: O. Ruhnau, L. Hirth and
    A. Praktiknjo, Time series of heat demand and heat pump efficiency, Scientific Data 6, 189
    (2019). At 0 °C with radiators, d = 40 K: 3.28; times 0.85 in the field: 2.79.
    """
    water = 30.0 - 0.5 * outdoor_celsius if plant.floor_heating else 40.0 - outdoor_celsius
    lift = max(water - outdoor_celsius, 15.0)
    return plant.quality_ratio * (6.08 - 0.09 * lift + 0.0005 * lift**2)


def cooling_cop(plant: PlantSpec, outdoor_celsius: float) -> float:
    """Return cold per electric energy: 0.35 of Carnot's from 10 °C to 10 K above outdoors.

    A second-law efficiency of 0.3 to 0.4 is what air-cooled machines reach (ASHRAE Handbook, HVAC
    Systems and Equipment, 2020, chapter 43). At 30 °C: 0.35 x 283 / 30 = 3.3, times the quality.
    """
    lift = max(outdoor_celsius + 10.0 - 10.0, 8.0)
    return plant.quality_ratio / 0.85 * 0.35 * (273.15 + 10.0) / lift


@dataclass(frozen=True, kw_only=True, slots=True)
class Thermostat:
    """A zone's own controller: it modulates its plant within `band_k` around the setpoint.

    `power_limit_w` is the most that somebody lets it draw; None: as much as its plant can.
    """

    setpoint_celsius: float = 21.0
    mode: Mode = Mode.HEATING
    on: bool = True
    band_k: float = 0.6
    power_limit_w: float | None = None

    def thermostat(self, moment: datetime) -> "Thermostat":
        """Return what people have set at a moment: always the same."""
        return self

    def next_change(self, after: datetime) -> datetime | None:
        """Return when that changes: never."""
        return None


class Own(Protocol):
    """What people have set on their thermostat, over time."""

    def thermostat(self, moment: datetime) -> Thermostat:
        """Return what is set at a moment."""

    def next_change(self, after: datetime) -> datetime | None:
        """Return until when at most that stays as it is; None: for good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneState:
    """A zone at a moment: temperatures [°C], the plant's power [W] and its register [Wh]."""

    time: datetime
    interior_celsius: float = 20.0
    envelope_celsius: float = 16.0
    emitter_celsius: float = 22.0
    heating_w: float = 0.0
    cooling_w: float = 0.0
    import_wh: float = 0.0

    @property
    def power_w(self) -> float:
        """Electric power [W]."""
        return self.heating_w + self.cooling_w


@dataclass(frozen=True, kw_only=True, slots=True)
class Zone:
    """The laws of one zone with its plant; None: it cannot heat, or cool."""

    spec: ZoneSpec
    climate: Climate
    heating: PlantSpec | None = None
    cooling: PlantSpec | None = None

    def advance(self, state: ZoneState, thermostat: Thermostat, until: datetime) -> ZoneState:
        """Return the state at `until`, however often it is asked for on the way."""
        while state.time < until:
            step = min(STEP, until - state.time)
            state = self._stepped(state, thermostat, step)
        return state

    def _stepped(self, state: ZoneState, thermostat: Thermostat, step: timedelta) -> ZoneState:
        around, spec = self.climate.at(state.time), self.spec
        heating_w, cooling_w = self._asked(state, thermostat)
        heat_w = 0.0
        if self.heating is not None:
            heat_w += heating_w * heating_cop(self.heating, around.outdoor_celsius)
        if self.cooling is not None:
            heat_w -= cooling_w * cooling_cop(self.cooling, around.outdoor_celsius)
        hours = step / timedelta(hours=1)
        inside, wall, emitter = (
            state.interior_celsius,
            state.envelope_celsius,
            state.emitter_celsius,
        )
        outside, sun = around.outdoor_celsius, around.irradiance_w_per_m2
        into_wall = (inside - wall) / spec.interior_envelope_k_per_w
        from_emitter = (emitter - inside) / spec.interior_emitter_k_per_w
        inside_w = from_emitter - into_wall + spec.interior_aperture_m2 * sun + around.gains_w
        inside_w += (outside - inside) / spec.interior_outdoor_k_per_w
        wall_w = into_wall + (outside - wall) / spec.envelope_outdoor_k_per_w
        wall_w += spec.envelope_aperture_m2 * sun
        return replace(
            state,
            time=state.time + step,
            interior_celsius=inside + inside_w * hours / spec.interior_wh_per_k,
            envelope_celsius=wall + wall_w * hours / spec.envelope_wh_per_k,
            emitter_celsius=emitter + (heat_w - from_emitter) * hours / spec.emitter_wh_per_k,
            heating_w=heating_w,
            cooling_w=cooling_w,
            import_wh=state.import_wh + (heating_w + cooling_w) * hours,
        )

    def _asked(self, state: ZoneState, thermostat: Thermostat) -> tuple[float, float]:
        """Return the powers that the thermostat gives its machines [W]."""
        if not thermostat.on or thermostat.mode is Mode.OFF:
            return 0.0, 0.0
        below = thermostat.setpoint_celsius - state.interior_celsius
        heats = thermostat.mode in (Mode.HEATING, Mode.AUTOMATIC)
        cools = thermostat.mode in (Mode.COOLING, Mode.AUTOMATIC)
        return (
            _modulated(self.heating, below, state.heating_w, thermostat) if heats else 0.0,
            _modulated(self.cooling, -below, state.cooling_w, thermostat) if cools else 0.0,
        )


def _modulated(
    plant: PlantSpec | None, lacking_k: float, before_w: float, thermostat: Thermostat
) -> float:
    """Return a machine's power [W] by how far the zone is from the setpoint [K].

    Full power at half a band away, least power at the setpoint, off half a band beyond it; it
    starts again at the setpoint only, so that it does not cycle.
    """
    if plant is None:
        return 0.0
    most_w = plant.max_power_w
    if thermostat.power_limit_w is not None:
        most_w = min(most_w, thermostat.power_limit_w)
    if most_w < max(plant.min_power_w, 1.0):
        return 0.0
    half_k = thermostat.band_k / 2.0
    if lacking_k < (-half_k if before_w > 0 else 0.0):
        return 0.0
    wanted_w = plant.max_power_w * min(max(lacking_k / half_k, 0.0), 1.0)
    return min(max(wanted_w, plant.min_power_w), most_w)


def as_shown(celsius: float) -> float:
    """Return a temperature as a sensor of a tenth of a kelvin shows it."""
    return math.floor(celsius * 10.0 + 0.5) / 10.0
