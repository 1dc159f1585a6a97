"""A CityLearn Challenge 2022 folder, described as a layout.

What the data set does not say, and what was measured on it, stands in the README of this service:
rows follow the local wall clock from 2016-08-01 00:00, America/Los_Angeles.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_twin.adapters.data.layout import (
    Battery,
    Carbon,
    DataFile,
    Layout,
    Load,
    Price,
    PriceColumn,
    Pv,
    Site,
)

SCHEMA_FILE = "schema.json"
FIRST_ROW = datetime(2016, 8, 1)  # noqa: DTZ001 (local wall clock; the layout names the zone)
TIME_ZONE = "America/Los_Angeles"

_LABELS = ("Hour", "Day Type")
_THERMAL = ("DHW Heating [kWh]", "Cooling Load [kWh]", "Heating Load [kWh]")


def citylearn_layout(folder: Path) -> Layout:
    """Return the layout of a CityLearn folder; InvalidArgument when it is not of the 2022 set."""
    buildings = _buildings(folder)
    for building in buildings.values():
        _check(folder / building["energy_simulation"])
    first = next(iter(buildings.values()))
    pricing, carbon = first["pricing"], first["carbon_intensity"]
    names = [pricing, carbon, *(building["energy_simulation"] for building in buildings.values())]
    return Layout(
        title="CityLearn Challenge 2022: 17 metered homes in Fontana, California",
        time_zone=TIME_ZONE,
        currency="USD",
        group="neighbourhood",
        group_display_name="Neighbourhood",
        files={name: DataFile(path=name, clock="local", first_row=FIRST_ROW) for name in names},
        sites=tuple(_site(number, each) for number, each in enumerate(buildings.values(), start=1)),
        price=Price(
            display_name="Time of use",
            import_per_kwh=PriceColumn(file=pricing, column="Electricity Pricing [$/kWh]"),
        ),
        carbon=Carbon(
            file=carbon, column="kg_CO2/kWh", zone="caiso", source="CityLearn Challenge 2022"
        ),
    )


def _buildings(folder: Path) -> dict[str, dict[str, Any]]:
    buildings: dict[str, dict[str, Any]] = json.loads((folder / SCHEMA_FILE).read_text("utf-8"))[
        "buildings"
    ]
    return {name: building for name, building in buildings.items() if building.get("include", True)}


def _site(number: int, building: dict[str, Any]) -> Site:
    file = building["energy_simulation"]
    battery, pv = building["electrical_storage"]["attributes"], building["pv"]["attributes"]
    return Site(
        id=f"home-{number}",
        display_name=f"Home {number}",
        latitude_degrees=34.1,
        longitude_degrees=-117.4,
        loads=(Load(id="load", file=file, column="Equipment Electric Power [kWh]"),),
        pv=Pv(
            file=file,
            column="Solar Generation [W/kW]",
            unit="W/kWp",
            peak_power_kw=pv["nominal_power"],
        ),
        battery=Battery(
            capacity_kwh=battery["capacity"],
            power_kw=battery["nominal_power"],
            round_trip_efficiency=battery["efficiency"],
        ),
    )


def _check(path: Path) -> None:
    """Refuse rows that are not where they should be, and thermal loads that nobody simulates."""
    rows = pd.read_csv(path, usecols=[*_LABELS, *_THERMAL])
    if rows[list(_THERMAL)].to_numpy().any():
        raise _refused(f"{path.name} has thermal loads, which the twin does not simulate")
    for row in (0, len(rows) // 3, len(rows) // 2, len(rows) - 2):
        local = FIRST_ROW + timedelta(hours=row)
        hour, day = (int(rows[label].iloc[row]) for label in _LABELS)
        if hour % 24 != local.hour or (hour != 24 and day % 7 != local.isoweekday() % 7):
            raise _refused(f"row {row} of {path.name} is not that of {local.isoformat()}")


def _refused(message: str) -> InvalidArgument:
    return InvalidArgument("NOT_CITYLEARN_2022", f"{message}: write a layout file", field="data")
