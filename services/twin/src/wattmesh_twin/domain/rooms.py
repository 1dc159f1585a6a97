"""A room of a site: a zone with its plant, what is wanted there, and its thermostat by people.

What is wanted is a band of temperature by day and one by night, on the site's wall clock. Two plain
rules stand beside control: a thermostat that is left where the strictest hour wants it, and one
that follows the schedule, an hour ahead.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from wattmesh_kernel.checks import require_at_least, require_between
from wattmesh_kernel.time import floor_time
from wattmesh_twin.domain.climate import MeasuredClimate
from wattmesh_twin.domain.zone import (
    Mode,
    PlantSpec,
    Thermostat,
    Zone,
    ZoneSpec,
    ZoneState,
)

HOUR = timedelta(hours=1)
_AHEAD = HOUR
"""How long before a stricter hour a schedule begins to cool or heat for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Temperatures that are wanted [°C]."""

    low_celsius: float
    high_celsius: float

    def __post_init__(self) -> None:
        require_at_least(self.high_celsius, self.low_celsius, "high_celsius")

    def outside_k(self, celsius: float) -> float:
        """Return how far a temperature is outside [K]: of 20 to 24 °C, 24.5 is 0.5."""
        return max(self.low_celsius - celsius, celsius - self.high_celsius, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comfort:
    """What is wanted from `day_hour` to `night_hour` by the clock of `zone`, and else."""

    zone: ZoneInfo
    day: Band
    night: Band
    day_hour: int = 8
    night_hour: int = 18

    def __post_init__(self) -> None:
        require_between(self.day_hour, 0, 23, "day_hour")
        require_between(self.night_hour, self.day_hour, 24, "night_hour")

    def band(self, moment: datetime) -> Band:
        """Return what is wanted at a moment."""
        hour = moment.astimezone(self.zone).hour
        return self.day if self.day_hour <= hour < self.night_hour else self.night

    @property
    def strictest(self) -> Band:
        """What is within both."""
        return Band(
            low_celsius=max(self.day.low_celsius, self.night.low_celsius),
            high_celsius=min(self.day.high_celsius, self.night.high_celsius),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledThermostat:
    """A thermostat that keeps to the edge of comfort that costs least, `ahead` of each change."""

    comfort: Comfort
    mode: Mode
    ahead: timedelta = _AHEAD

    def thermostat(self, moment: datetime) -> Thermostat:
        """Return what is set at a moment."""
        now, soon = self.comfort.band(moment), self.comfort.band(moment + self.ahead)
        both = Band(
            low_celsius=max(now.low_celsius, soon.low_celsius),
            high_celsius=min(now.high_celsius, soon.high_celsius),
        )
        return at_edge(both, self.mode)

    def next_change(self, after: datetime) -> datetime | None:
        """Return the next whole hour: bands change on the hour."""
        return floor_time(after, HOUR) + HOUR


def at_edge(band: Band, mode: Mode) -> Thermostat:
    """Return a thermostat that just keeps a band: half its own band inside of the edge."""
    thermostat = Thermostat(mode=mode)
    inside_k = thermostat.band_k / 2.0
    edge = band.high_celsius - inside_k if mode is Mode.COOLING else band.low_celsius + inside_k
    return replace(thermostat, setpoint_celsius=edge)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomSpec:
    """A room: its asset and device are `id`; it is heated or cooled by `plant`, as `mode` says.

    Its plant is on MQTT, or, with `on_modbus`, behind its site's Modbus port.
    """

    id: str
    display_name: str = ""
    zone: ZoneSpec
    plant: PlantSpec
    mode: Mode
    comfort: Comfort
    on_modbus: bool = False

    @property
    def scheduled(self) -> ScheduledThermostat:
        """What people have set, and the plain rule: the schedule."""
        return ScheduledThermostat(comfort=self.comfort, mode=self.mode)

    @property
    def at_rest(self) -> Thermostat:
        """A thermostat that nobody touches: where the strictest hour wants it."""
        return at_edge(self.comfort.strictest, self.mode)

    def in_climate(self, climate: MeasuredClimate) -> Zone:
        """Return the laws of the room under what acts on it."""
        cools = self.mode is Mode.COOLING
        return Zone(
            spec=self.zone,
            climate=climate,
            heating=None if cools else self.plant,
            cooling=self.plant if cools else None,
        )

    def initial(self, moment: datetime) -> ZoneState:
        """Return the room as it is when its plant is put up: as warm as is wanted."""
        celsius = self.scheduled.thermostat(moment).setpoint_celsius
        return ZoneState(
            time=moment,
            interior_celsius=celsius,
            envelope_celsius=celsius + (1.0 if self.mode is Mode.COOLING else -1.0),
            emitter_celsius=celsius,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Double:
    """The same room under a plain rule: how it stands, and its time outside of comfort [K h]."""

    state: ZoneState
    outside_kh: float = 0.0


Doubles: TypeAlias = dict[str, Double]
"""By rule: `own` is the room itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomMemory:
    """What of a room is kept: its past that the site's meter has yet to see, orders, doubles."""

    past: tuple[ZoneState, ...]
    setpoint_celsius: float | None
    setpoint_end: datetime | None
    on: bool | None
    on_end: datetime | None
    doubles: Doubles
