"""What is known of one asset, hour by hour."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.input_faults import Finding
from wattmesh_kernel.time import TimeRange

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

HOUR = timedelta(hours=1)

_STEADY_W_M2 = 1000.0
_FRIDAY = 4


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LocalClock:
    """The local clock of consecutive UTC hours; arrays of shape (n,).

    `offset_hours` is local time less UTC [h], `hour` the local hour of the day at the start of the
    interval [h], `weekday` 0 for Monday, `holiday` whether the local day is a public holiday.
    """

    offset_hours: Floats
    hour: Floats
    weekday: Ints
    holiday: Bools

    @classmethod
    def of(
        cls, span: TimeRange, zone: ZoneInfo, holidays: Collection[date] = frozenset()
    ) -> "LocalClock":
        """Return the clock of a zone for every hour that starts in `span`."""
        local = [start.astimezone(zone) for start in span.starts(HOUR)]
        return cls(
            offset_hours=np.array([_offset_hours(moment) for moment in local], dtype=np.float64),
            hour=np.array([m.hour + m.minute / 60 for m in local], dtype=np.float64),
            weekday=np.array([moment.weekday() for moment in local], dtype=np.int64),
            holiday=np.array([moment.date() in holidays for moment in local], dtype=np.bool_),
        )

    @property
    def day_type(self) -> Ints:
        """0 for a working day, 1 for a Saturday, 2 for a Sunday or a public holiday."""
        of_week = np.maximum(self.weekday - _FRIDAY, 0)
        return np.where(self.holiday, 2, of_week)

    def part(self, hours: slice) -> "LocalClock":
        """Return the clock of some of the hours."""
        return LocalClock(
            offset_hours=self.offset_hours[hours],
            hour=self.hour[hours],
            weekday=self.weekday[hours],
            holiday=self.holiday[hours],
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sun:
    """The sun over consecutive UTC hours; arrays of shape (n,).

    `clear_sky_w_m2` is the hour's mean global horizontal irradiance under a clear sky [W/m²], 0 at
    night; `elevation_degrees` and `azimuth_degrees` are those of the middle of the hour [°].
    """

    clear_sky_w_m2: Floats
    elevation_degrees: Floats
    azimuth_degrees: Floats

    @classmethod
    def steady(cls, hours: int) -> "Sun":
        """Return a sun that never moves: at an unknown place every day counts as it came."""
        still = np.zeros(hours)
        return cls(
            clear_sky_w_m2=np.full(hours, _STEADY_W_M2),
            elevation_degrees=still,
            azimuth_degrees=still,
        )

    @property
    def moves(self) -> bool:
        """Whether it is the sun of a place."""
        return not (self.clear_sky_w_m2 == _STEADY_W_M2).all()

    @classmethod
    def together(cls, suns: Sequence["Sun"]) -> "Sun":
        """Return the suns over several places, shape (places, n)."""
        return cls(
            clear_sky_w_m2=np.stack([sun.clear_sky_w_m2 for sun in suns]),
            elevation_degrees=np.stack([sun.elevation_degrees for sun in suns]),
            azimuth_degrees=np.stack([sun.azimuth_degrees for sun in suns]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """The running hour's place in a raster, until when it is known, and the rest of it [W]."""

    position: int
    until: datetime
    rest_w: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AssetHours:
    """An asset's past and the hours to come, on one raster of consecutive UTC hours.

    `power_w` has shape (n,): mean consumption of a load or mean generation of a plant, a magnitude
    [W]; NaN where it is missing, and in the future. `sun` is there for solar plants.
    `temperature_celsius` (n,) is the air's, measured or forecast as it was known at issue, NaN
    where it is not known; None when nothing is known of the weather. `irradiance_w_m2` (n,) is what
    reaches the modules of a plant, less what their warmth costs [W/m²], likewise; `wind_m_per_s`
    (n,) what blows at a turbine's hub, as much as it counts in standard air [m/s]. `findings` are
    why measured hours were taken for missing. `begun` is the running hour, which `power_w` has as
    far as it is known, estimated beyond.
    """

    start: datetime
    power_w: Floats
    clock: LocalClock
    sun: Sun | None = None
    temperature_celsius: Floats | None = None
    irradiance_w_m2: Floats | None = None
    wind_m_per_s: Floats | None = None
    findings: tuple[Finding, ...] = ()
    begun: "Begun | None" = None

    def index(self, moment: datetime) -> int:
        """Return the position of the hour that contains `moment`."""
        return (moment - self.start) // HOUR

    def first_known(self) -> int | None:
        """Return the position of the oldest hour with a value, None when there is none."""
        known = np.flatnonzero(np.isfinite(self.power_w))
        return int(known[0]) if len(known) else None

    def between(self, first: int, end: int) -> "AssetHours":
        """Return the part from a position up to, but not with, another."""
        part, warmth, sun = slice(first, end), self.temperature_celsius, self.sun
        shine, wind = self.irradiance_w_m2, self.wind_m_per_s
        return AssetHours(
            start=self.start + first * HOUR,
            power_w=self.power_w[part],
            clock=self.clock.part(part),
            temperature_celsius=None if warmth is None else warmth[part],
            irradiance_w_m2=None if shine is None else shine[part],
            wind_m_per_s=None if wind is None else wind[part],
            sun=None
            if sun is None
            else Sun(
                clear_sky_w_m2=sun.clear_sky_w_m2[part],
                elevation_degrees=sun.elevation_degrees[part],
                azimuth_degrees=sun.azimuth_degrees[part],
            ),
        )

    def last_known(self) -> int | None:
        """Return the position of the newest hour with a value, None when there is none."""
        known = np.flatnonzero(np.isfinite(self.power_w))
        return int(known[-1]) if len(known) else None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """Several assets of a kind that share one raster of hours and one local clock.

    `power_w`, `temperature_celsius`, `irradiance_w_m2` and the arrays of `sun` have shape
    (assets, n), those of `clock` (n,).
    """

    start: datetime
    power_w: Floats
    clock: LocalClock
    sun: Sun | None = None
    temperature_celsius: Floats | None = None
    irradiance_w_m2: Floats | None = None

    @classmethod
    def of(cls, assets: Sequence[AssetHours]) -> "Batch":
        """Put assets together; they must begin with the same hour and end with the same."""
        first = assets[0]
        suns = [asset.sun for asset in assets if asset.sun is not None]
        return cls(
            start=first.start,
            power_w=np.stack([asset.power_w for asset in assets]),
            clock=first.clock,
            sun=Sun.together(suns) if suns else None,
            temperature_celsius=_stacked([asset.temperature_celsius for asset in assets], first),
            irradiance_w_m2=_stacked([asset.irradiance_w_m2 for asset in assets], first),
        )

    def __len__(self) -> int:
        return len(self.power_w)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """Questions: hour `target[i]`, asked when hour `last[i]` was the newest one known.

    Both are positions in the raster of a Batch, shape (n,), `last < target`. They are asked about
    every asset of the batch.
    """

    target: Ints
    last: Ints
    issues: Ints = field(init=False)
    """The distinct values of `last`, rising."""
    issue: Ints = field(init=False)
    """Per row: position of its `last` in `issues`."""

    def __post_init__(self) -> None:
        issues, issue = np.unique(self.last, return_inverse=True)
        object.__setattr__(self, "issues", issues)
        object.__setattr__(self, "issue", issue)

    def __len__(self) -> int:
        return len(self.target)

    @property
    def lead(self) -> Floats:
        """How many hours ahead each target is [h], at least 1."""
        return (self.target - self.last).astype(np.float64)

    @classmethod
    def ahead(cls, last: int, targets: range) -> "Rows":
        """Return the questions about `targets`, asked at one time."""
        target = np.arange(targets.start, targets.stop, dtype=np.int64)
        return cls(target=target, last=np.full(len(target), last, dtype=np.int64))


def _stacked(given: Sequence[Floats | None], like: AssetHours) -> Floats | None:
    """Return series of assets (assets, n), NaN for whom none is known; None for nobody."""
    if all(series is None for series in given):
        return None
    unknown = np.full_like(like.power_w, np.nan)
    return np.stack([unknown if series is None else series for series in given])


def _offset_hours(moment: datetime) -> float:
    offset = moment.utcoffset()
    assert offset is not None  # of an aware time
    return offset / HOUR
