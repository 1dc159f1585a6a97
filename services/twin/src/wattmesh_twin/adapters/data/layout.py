"""What is where in a data folder: the layout file `wattmesh-data.yaml`, parsed and checked."""

from datetime import datetime
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SEGMENT_PATTERN

Segment = Field(pattern=f"^{SEGMENT_PATTERN}$")
Id = str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Part):
    """One column of one file.

    A column that says it holds predictions is refused: in published data sets those are exact
    future values.
    """

    file: str
    column: str

    @field_validator("column")
    @classmethod
    def _no_predictions(cls, column: str) -> str:
        if "predict" in column.lower():
            raise ValueError("columns of predictions hold future values and are never read")
        return column


class Load(Column):
    """Metered consumption; not negative."""

    id: Id = Segment
    unit: Literal["W", "kW", "Wh", "kWh"] = "kWh"


class Pv(Column):
    """Measured generation, positive, absolute or per kW of peak power."""

    unit: Literal["W", "kW", "Wh", "kWh", "W/kWp", "kWh/kWp"]
    peak_power_kw: float = Field(gt=0)
    note: str = ""


class Battery(_Part):
    """A battery that the twin simulates; its losses are split evenly over both ways."""

    capacity_kwh: float = Field(gt=0)
    power_kw: float = Field(gt=0)
    round_trip_efficiency: float = Field(gt=0, le=1)
    initial_soc: float = Field(default=0.0, ge=0, le=1)


class Vehicle(_Part):
    """A vehicle that may come; `limit_soc` is where its owner has it stop."""

    token: str = Field(min_length=1, max_length=20)
    capacity_kwh: float = Field(gt=0)
    max_current_a: float = Field(default=16.0, ge=6)
    phases: Literal[1, 2, 3] = 3
    limit_soc: float = Field(default=0.9, gt=0, le=1)


class DrawnVisits(_Part):
    """Visits drawn from the distributions in the folder `data` of the wheel ev2gym."""

    folder: str
    place: Literal["home", "workplace"]
    vehicles: tuple[Vehicle, ...] = Field(min_length=1)
    visits_per_day: float = Field(default=0.9, gt=0, le=3)
    declared_ratio: float = Field(default=0.5, ge=0, le=1)


class ChargePoint(_Part):
    """A charge point on OCPP; who comes stands in a CSV file of `visits`, or is drawn."""

    id: Id = Segment
    display_name: str = ""
    max_current_a: float = Field(default=16.0, ge=6)
    phase: Literal["three", "l1", "l2", "l3"] = "three"
    node: str = ""
    visits: str | DrawnVisits


class Band(_Part):
    """Temperatures that are wanted [°C]."""

    low: float
    high: float


class Comfort(_Part):
    """What is wanted by day, from `day_hour` to `night_hour` on the wall clock, and else."""

    day: Band
    night: Band
    day_hour: int = Field(default=8, ge=0, le=23)
    night_hour: int = Field(default=18, ge=1, le=24)


class Room(_Part):
    """A room that a machine of so much power heats or cools; what acts on it was measured.

    `sun` may be several columns, whose sum is meant; `thermal` overrides parameters of the physics
    (`ZoneSpec`). Gains are those of devices [kWh] and of people, 100 W each. `protocol` is that of
    its plant.
    """

    id: Id = Segment
    display_name: str = ""
    protocol: Literal["mqtt", "modbus"] = "mqtt"
    mode: Literal["heating", "cooling"]
    max_power_kw: float = Field(gt=0)
    min_power_kw: float = Field(default=0.0, ge=0)
    comfort: Comfort
    outdoor: Column
    sun: tuple[Column, ...] = Field(min_length=1)
    devices: Column
    people: Column
    thermal: dict[str, float] = Field(default_factory=dict)

    def columns(self) -> tuple[Column, ...]:
        """Return every column that is read."""
        return (self.outdoor, *self.sun, self.devices, self.people)


class Tank(_Part):
    """A tank of hot water with a heat pump; what its users draw was measured [kWh of heat]."""

    id: Id = Segment
    display_name: str = ""
    capacity_wh_per_k: float = Field(gt=0)
    loss_w_per_k: float = Field(gt=0)
    heater_kw: float = Field(gt=0)
    outdoor: Column
    draws: Column


class Machine(_Part):
    """Work that can wait: somebody loads it at an hour of the wall clock, to be done by another.

    `quarters_kw` is its power by the quarter of an hour since it began; `weekdays` counts from
    Monday, 0.
    """

    id: Id = Segment
    display_name: str = ""
    quarters_kw: tuple[float, ...] = Field(min_length=1, max_length=96)
    loaded_hour: int = Field(ge=0, le=23)
    done_hour: int = Field(ge=0, le=23)
    weekdays: tuple[int, ...] = tuple(range(7))


class Fuse(_Part):
    """A fuse or transformer below the grid connection or another one; limits in kW."""

    id: Id = Segment
    display_name: str = ""
    parent: str = ""
    max_import_kw: float | None = Field(default=None, gt=0)
    max_phase_import_kw: float | None = Field(default=None, gt=0)


class Connection(_Part):
    """Limits at the grid connection [kW]."""

    max_import_kw: float | None = Field(default=None, gt=0)
    max_phase_import_kw: float | None = Field(default=None, gt=0)


class Wind(_Part):
    """A wind turbine; its wind is drawn, not measured (`domain/wind.py`)."""

    rated_kw: float = Field(gt=0)
    hub_height_m: float = Field(default=24.0, gt=0)
    mean_m_per_s: float = Field(default=5.0, gt=0)
    seed: int = 1


class Generator(_Part):
    """A diesel generator set; `fuel_price_per_l` in the layout's currency."""

    rated_kw: float = Field(gt=0)
    least_ratio: float = Field(default=0.3, ge=0, le=1)
    min_run_minutes: int = Field(default=60, ge=0)
    fuel_l: float = Field(default=200.0, gt=0)
    fuel_price_per_l: float = Field(ge=0)


class Outage(_Part):
    """The grid goes once a week, on the wall clock; weekdays count from Monday, 0."""

    weekday: int = Field(ge=0, le=6)
    hour: int = Field(ge=0, le=23)
    hours: int = Field(ge=1, le=24)


class Microgrid(_Part):
    """The site can do without the grid, and is planned by itself; what is shed first, first."""

    critical_ratio: float = Field(default=1.0, ge=0, le=1)
    readiness_hours: float | None = Field(default=None, gt=0, le=168)
    shed: tuple[str, ...] = ()
    outages: tuple[Outage, ...] = ()


class Site(_Part):
    """One site behind one grid connection."""

    id: Id = Segment
    display_name: str = ""
    latitude_degrees: float | None = Field(default=None, ge=-90, le=90)
    longitude_degrees: float | None = Field(default=None, ge=-180, le=180)
    loads: tuple[Load, ...] = Field(min_length=1)
    pv: Pv | None = None
    battery: Battery | None = None
    connection: Connection = Connection()
    fuses: tuple[Fuse, ...] = ()
    charge_points: tuple[ChargePoint, ...] = ()
    rooms: tuple[Room, ...] = ()
    tanks: tuple[Tank, ...] = ()
    machines: tuple[Machine, ...] = ()
    wind: Wind | None = None
    generator: Generator | None = None
    microgrid: Microgrid | None = None


class PriceColumn(Column):
    """Import price per interval [currency/kWh]."""


class Price(_Part):
    """What energy costs: a column or one price for all times; export earns one price."""

    display_name: str = ""
    import_per_kwh: PriceColumn | float
    export_per_kwh: float = 0.0


class Carbon(Column):
    """Average carbon intensity of the grid."""

    zone: Id = Segment
    unit: Literal["kg/kWh", "g/kWh"] = "kg/kWh"
    source: str


class DataFile(_Part):
    """A CSV (also compressed) or Parquet file with one row per interval.

    Rows are stamped with the start of their interval, in `time_column` or, without one, counted
    from `first_row` on. `clock` says whose time that is: `utc`, or `local` for the wall clock of
    the layout's zone, with its daylight-saving changes.
    """

    path: str
    clock: Literal["utc", "local"]
    time_column: str | None = None
    first_row: datetime | None = None
    resolution_minutes: int = Field(default=60, gt=0, le=60)

    @field_validator("resolution_minutes")
    @classmethod
    def _divides_the_hour(cls, minutes: int) -> int:
        if 60 % minutes:
            raise ValueError("an interval must divide the hour: 5, 15, 30, 60 ...")
        return minutes

    @model_validator(mode="after")
    def _has_its_time(self) -> Self:
        if (self.time_column is None) == (self.first_row is None):
            raise ValueError("give either time_column or first_row")
        return self


class Layout(_Part):
    """The layout of a data folder; `recognise` names files by which it is known."""

    title: str
    recognise: tuple[str, ...] = ()
    time_zone: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    group: Id = Segment
    group_display_name: str = ""
    peak_price_per_kw: float | None = Field(default=None, ge=0)
    files: dict[str, DataFile]
    sites: tuple[Site, ...] = Field(min_length=1)
    price: Price
    carbon: Carbon | None = None

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not an IANA time zone") from error
        return name

    @model_validator(mode="after")
    def _files_are_named(self) -> Self:
        missing = {column.file for column in self.columns()} - set(self.files)
        if missing:
            raise ValueError(f"files not described: {', '.join(sorted(missing))}")
        return self

    def columns(self) -> list[Column]:
        """Return every column that is read; no other is."""
        columns: list[Column] = [load for site in self.sites for load in site.loads]
        columns += [site.pv for site in self.sites if site.pv is not None]
        columns += [each for site in self.sites for room in site.rooms for each in room.columns()]
        tanks = [tank for site in self.sites for tank in site.tanks]
        columns += [each for tank in tanks for each in (tank.outdoor, tank.draws)]
        if isinstance(self.price.import_per_kwh, PriceColumn):
            columns.append(self.price.import_per_kwh)
        return columns if self.carbon is None else [*columns, self.carbon]


def parse_layout(text: str, name: str) -> Layout:
    """Read a layout; InvalidArgument saying what of it makes no sense and where."""
    try:
        return Layout.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise InvalidArgument("INVALID_LAYOUT", f"{name}: {faults}", field="data") from error
    except yaml.YAMLError as error:
        raise InvalidArgument("INVALID_LAYOUT", f"{name}: {error}", field="data") from error


def read_layout(path: Path) -> Layout:
    """Read a layout file."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            "INVALID_LAYOUT", f"{path.name}: not UTF-8: {error}", field="data"
        ) from error
    return parse_layout(text, path.name)
