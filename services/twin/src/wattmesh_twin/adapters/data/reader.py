"""A layout and its files as a data set; only the columns that the layout names are read."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GroupId, SiteId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.adapters.data.charge_points import (
    charge_point_spec,
    connection_rating,
    fuse_node,
    visits_of,
)
from wattmesh_twin.adapters.data.layout import (
    Battery,
    Column,
    DataFile,
    Layout,
    Load,
    Price,
    Pv,
    Site,
)
from wattmesh_twin.adapters.data.microgrids import generator_spec, microgrid_spec, turbine_spec
from wattmesh_twin.adapters.data.rooms import (
    hot_water_spec,
    machine_spec,
    room_climate,
    room_spec,
    tank_climate,
)
from wattmesh_twin.adapters.data.rows import RowRaster, local_raster, utc_raster
from wattmesh_twin.domain.battery import BatterySpec
from wattmesh_twin.domain.dataset import (
    DataSet,
    EnergyPrices,
    GridCarbon,
    SiteMeasurements,
    chosen,
)
from wattmesh_twin.domain.pv import PvSpec
from wattmesh_twin.domain.site import Location, SiteSpec

_WATTS = {"W": 1.0, "kW": 1e3, "Wh": 1.0, "kWh": 1e3, "W/kWp": 1.0, "kWh/kWp": 1e3}
_GRAMS = {"kg/kWh": 1e3, "g/kWh": 1.0}


def read_dataset(folder: Path, layout: Layout, homes: str) -> DataSet:
    """Return the data set of the chosen homes; InvalidArgument when a file is not as described."""
    sites = [layout.sites[index] for index in chosen(homes, len(layout.sites))]
    tables = _Tables(folder, layout)
    return DataSet(
        title=layout.title,
        group=GroupId(layout.group),
        group_display_name=layout.group_display_name or layout.group,
        time_zone=layout.time_zone,
        sites=tuple(
            _measurements(tables, site, folder, ZoneInfo(layout.time_zone)) for site in sites
        ),
        prices=_prices(tables, layout),
        carbon=_carbon(tables, layout),
        peak_price_per_kw=layout.peak_price_per_kw,
    )


def _measurements(tables: "_Tables", site: Site, folder: Path, zone: ZoneInfo) -> SiteMeasurements:
    loads_w = {load.id: _load_power(tables, load) for load in site.loads}
    first, last = (loads_w[site.loads[0].id].start, loads_w[site.loads[0].id].end)
    return SiteMeasurements(
        spec=_site_spec(site, TimeRange(first, last), zone),
        loads_w=loads_w,
        pv_available_w=_pv_power(tables, site.pv) if site.pv else None,
        visits=visits_of(site, folder, TimeRange(first, last), zone),
        climates={room.id: room_climate(room, tables.series) for room in site.rooms}
        | {tank.id: tank_climate(tank, tables.series) for tank in site.tanks},
    )


def _site_spec(site: Site, measured: TimeRange, zone: ZoneInfo) -> SiteSpec:
    location = None
    if site.latitude_degrees is not None and site.longitude_degrees is not None:
        location = Location(
            latitude_degrees=site.latitude_degrees, longitude_degrees=site.longitude_degrees
        )
    pv = PvSpec(peak_power_w=site.pv.peak_power_kw * 1e3, note=site.pv.note) if site.pv else None
    return SiteSpec(
        id=SiteId(site.id),
        display_name=site.display_name or site.id,
        loads=tuple(load.id for load in site.loads),
        pv=pv,
        battery=_battery_spec(site.battery) if site.battery else None,
        location=location,
        charge_points=tuple(map(charge_point_spec, site.charge_points)),
        rooms=tuple(room_spec(room, zone) for room in site.rooms),
        tanks=tuple(hot_water_spec(tank, zone) for tank in site.tanks),
        machines=tuple(machine_spec(each, zone) for each in site.machines),
        nodes=tuple(map(fuse_node, site.fuses)),
        connection=connection_rating(site.connection),
        turbine=turbine_spec(site.wind) if site.wind else None,
        generator=generator_spec(site.generator) if site.generator else None,
        fuel_price_per_l=site.generator.fuel_price_per_l if site.generator else 0.0,
        microgrid=microgrid_spec(site.microgrid, measured, zone) if site.microgrid else None,
    )


def _battery_spec(battery: Battery) -> BatterySpec:
    return BatterySpec.symmetric(
        capacity_wh=battery.capacity_kwh * 1e3,
        power_w=battery.power_kw * 1e3,
        round_trip_efficiency_ratio=battery.round_trip_efficiency,
        initial_soc_ratio=battery.initial_soc,
    )


def _power(tables: "_Tables", column: Load | Pv, unit: str) -> Series:
    """Return a column as mean power [W] (per kW of peak power where the unit says so)."""
    series = tables.series(column)
    hours = tables.resolution(column) / timedelta(hours=1)
    factor = _WATTS[unit] / (hours if "Wh" in unit else 1.0)
    return series.with_values(series.values * factor)


def _load_power(tables: "_Tables", load: Load) -> Series:
    """Return a metered consumption [W]; InvalidArgument when it is negative anywhere."""
    series = _power(tables, load, load.unit)
    if (negative := np.flatnonzero(series.values < 0)).size:
        moment = series.start + int(negative[0]) * series.resolution
        raise InvalidArgument(
            "INVALID_VALUE",
            f"{tables.path(load)}: {load.column} is negative at {moment.isoformat()}: no load is",
            field="data",
        )
    return series


def _pv_power(tables: "_Tables", pv: Pv) -> Series:
    """Return what the plant could give [W]; the little that it draws at night is not generation."""
    series = _power(tables, pv, pv.unit)
    factor = pv.peak_power_kw if pv.unit.endswith("/kWp") else 1.0
    return series.with_values(np.maximum(series.values, 0.0) * factor)


def _prices(tables: "_Tables", layout: Layout) -> EnergyPrices:
    price: Price = layout.price
    each = price.import_per_kwh
    return EnergyPrices(
        tariff=TariffId(layout.group),
        display_name=price.display_name or "Electricity",
        currency_code=layout.currency,
        import_per_kwh=each if isinstance(each, float) else tables.series(each),
        export_per_kwh=price.export_per_kwh,
    )


def _carbon(tables: "_Tables", layout: Layout) -> GridCarbon | None:
    if layout.carbon is None:
        return None
    series = tables.series(layout.carbon)
    return GridCarbon(
        zone=ZoneId(layout.carbon.zone),
        source=layout.carbon.source,
        average_gco2e_per_kwh=series.with_values(series.values * _GRAMS[layout.carbon.unit]),
    )


class _Tables:
    """The files of a folder, each read once."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._folder = folder
        self._layout = layout
        self._zone = ZoneInfo(layout.time_zone)
        self._read: dict[str, tuple[RowRaster, pd.DataFrame]] = {}

    def resolution(self, column: Column) -> timedelta:
        """Return the interval length of a column's file."""
        return timedelta(minutes=self._layout.files[column.file].resolution_minutes)

    def path(self, column: Column) -> str:
        """Return the path of a column's file, below the folder."""
        return self._layout.files[column.file].path

    def series(self, column: Column) -> Series:
        """Return a column as it stands in the file."""
        if column.file not in self._read:
            self._read[column.file] = self._open(column.file)
        raster, table = self._read[column.file]
        return raster.series(_numbers(table[column.column], self.path(column)))

    def _open(self, name: str) -> tuple[RowRaster, pd.DataFrame]:
        file = self._layout.files[name]
        wanted = {column.column for column in self._layout.columns() if column.file == name}
        if file.time_column is not None:
            wanted.add(file.time_column)
        table = _read_table(self._folder / file.path, sorted(wanted))
        try:
            return self._raster(file, table), table
        except InvalidArgument as error:
            raise InvalidArgument(
                error.reason, f"{file.path}: {error.message}", field="data"
            ) from error

    def _raster(self, file: DataFile, table: pd.DataFrame) -> RowRaster:
        resolution = timedelta(minutes=file.resolution_minutes)
        if file.first_row is not None:
            times = [file.first_row + row * resolution for row in range(len(table))]
        else:
            times = _times(table[file.time_column])
        if not times:
            raise InvalidArgument("INVALID_FILE", "no rows", field="data")
        if any(moment.tzinfo is not None for moment in times[:1]):
            return utc_raster([moment.astimezone(UTC) for moment in times], resolution)
        if file.clock == "utc":
            return utc_raster(list(_as_utc(times)), resolution)
        return local_raster(times, resolution, self._zone)


def _numbers(column: pd.Series, path: str) -> NDArray[np.float64]:
    """Return a column's numbers, NaN where there is none; InvalidArgument naming another cell."""
    numbers = pd.to_numeric(column, errors="coerce")
    if (wrong := (numbers.isna() & column.notna()).to_numpy()).any():
        fault = _cell(column, int(wrong.argmax()))
        raise InvalidArgument("INVALID_VALUE", f"{path}: {fault}, not a number", field="data")
    return np.asarray(numbers, dtype=np.float64)


def _times(column: pd.Series) -> list[datetime]:
    """Return a column's times; InvalidArgument naming the first cell that holds none."""
    times = pd.to_datetime(column, errors="coerce")
    if (wrong := times.isna().to_numpy()).any():
        fault = _cell(column, int(wrong.argmax()))
        raise InvalidArgument("INVALID_VALUE", f"{fault}, not a time like the others", field="data")
    return list(times.dt.to_pydatetime())


def _cell(column: pd.Series, row: int) -> str:
    return f"row {row + 1} of {column.name} holds {str(column.iloc[row])!r}"


def _as_utc(times: Iterable[datetime]) -> Iterable[datetime]:
    return (moment.replace(tzinfo=UTC) for moment in times)


def _read_table(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path, columns=columns)
        return pd.read_csv(path, usecols=columns)
    except (OSError, ValueError) as error:
        raise InvalidArgument("INVALID_FILE", f"{path.name}: {error}", field="data") from error
