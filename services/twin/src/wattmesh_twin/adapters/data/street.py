"""The street of the demo as a layout: homes, of which some have an EV, and an office.

The homes are those of the CityLearn Challenge 2022, with their tariff and carbon intensity. The
office's loads, sun and people are those of the six buildings of the CityLearn Challenge 2023 (phase
3), put on the street's clock: its rows are hours of June to August on a local wall clock, the first
of them of a Tuesday, here 2017-05-30. Vehicles come as `ev2gym.py` says.

Three rooms of the office and one home are cooled, `street_rooms.py`. Of the other buildings the
equipment alone is a load. The data set's buildings are dwellings: together they stand for one small
office, whose people leave by day and not by night.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from wattmesh_twin.adapters.data.citylearn import SCHEMA_FILE, citylearn_layout
from wattmesh_twin.adapters.data.layout import (
    Battery,
    ChargePoint,
    Connection,
    DataFile,
    DrawnVisits,
    Fuse,
    Generator,
    Layout,
    Load,
    Machine,
    Microgrid,
    Outage,
    Pv,
    Site,
    Vehicle,
    Wind,
)
from wattmesh_twin.adapters.data.street_rooms import (
    HOME_WITH_HEAT_PUMP,
    WEATHER,
    home_room,
    home_tank,
    office_rooms,
)

HOMES = "citylearn/citylearn/data/citylearn_challenge_2022_phase_all"
OFFICE = "citylearn/citylearn/data/citylearn_challenge_2023_phase_3_1"
SESSIONS = "ev2gym/ev2gym/data"
FIRST_OFFICE_ROW = datetime(2017, 5, 30, 0)  # noqa: DTZ001 (local wall clock)
"""Hour 1 of the files is the hour that begins at 0:00."""

_CHARGE_POINTS = 6
_HOMES_WITH_EV = (2, 4)
_FEW_HOMES = 5
_HALL = 6
"""Whose load and sun the hall has."""


def is_street(folder: Path) -> bool:
    """Return whether a folder holds what the street is made of."""
    parts = (f"{HOMES}/{SCHEMA_FILE}", f"{OFFICE}/{SCHEMA_FILE}", SESSIONS)
    return all((folder / part).exists() for part in parts)


def street_layout(folder: Path) -> Layout:
    """Return the layout of the street, of a folder that holds its parts."""
    homes = citylearn_layout(folder / HOMES)
    office = json.loads((folder / OFFICE / SCHEMA_FILE).read_text("utf-8"))["buildings"]
    files = {
        name: file.model_copy(update={"path": f"{HOMES}/{file.path}"})
        for name, file in homes.files.items()
    }
    for name in _office_files(office):
        path = f"{OFFICE}/{name}"
        files[path] = DataFile(path=path, clock="local", first_row=FIRST_OFFICE_ROW)
    return homes.model_copy(
        update={
            "title": "A street: homes of CityLearn 2022, an office of CityLearn 2023, EVs",
            "group": "street",
            "group_display_name": "Street",
            "files": files,
            "sites": (
                *(_home(number, site) for number, site in enumerate(homes.sites[:_FEW_HOMES], 1)),
                _office(office),
                _hall(homes.sites[_HALL - 1]),
            ),
        }
    )


_MACHINES = {
    1: Machine(
        id="dishwasher",
        display_name="Dishwasher",
        quarters_kw=(0.1, 1.9, 0.6, 0.1, 0.1, 1.5, 0.1, 0.1),
        loaded_hour=20,
        done_hour=7,
    ),
    5: Machine(
        id="washing-machine",
        display_name="Washing machine",
        quarters_kw=(0.4, 2.0, 0.9, 0.2, 0.2, 0.3, 0.3),
        loaded_hour=8,
        done_hour=18,
        weekdays=(0, 2, 4, 5),
    ),
}
"""Machines by the number of their home: 1.1 and 1.1 kWh a run."""


def _home(number: int, site: Site) -> Site:
    if (machine := _MACHINES.get(number)) is not None:
        return site.model_copy(update={"machines": (machine,)})
    if number == HOME_WITH_HEAT_PUMP:
        return site.model_copy(
            update={"rooms": (home_room(OFFICE),), "tanks": (home_tank(OFFICE),)}
        )
    if number not in _HOMES_WITH_EV:
        return site
    car = Vehicle(token=f"car-{number}", capacity_kwh=58.0, max_current_a=16.0, limit_soc=0.9)
    point = ChargePoint(
        id="ev",
        display_name="Wallbox",
        max_current_a=16.0,
        visits=DrawnVisits(folder=SESSIONS, place="home", vehicles=(car,), visits_per_day=0.9),
    )
    fused = Connection(max_phase_import_kw=0.23 * 63)
    return site.model_copy(update={"charge_points": (point,), "connection": fused})


def _hall(site: Site) -> Site:
    """Return the hall: another home's load and sun, with all that it takes to do without the grid.

    Its battery forms a grid of its own; every Tuesday from 17 to 20 h there is none.
    """
    machine = Machine(
        id="laundry",
        display_name="Laundry",
        quarters_kw=(0.4, 2.0, 0.9, 0.2, 0.2, 0.3, 0.3),
        loaded_hour=9,
        done_hour=22,
    )
    car = Vehicle(token="van", capacity_kwh=58.0, max_current_a=16.0, phases=1, limit_soc=0.9)
    point = ChargePoint(
        id="ev",
        display_name="Wallbox",
        max_current_a=16.0,
        phase="l1",
        visits=DrawnVisits(folder=SESSIONS, place="home", vehicles=(car,), visits_per_day=0.9),
    )
    return site.model_copy(
        update={
            "id": "hall",
            "display_name": "Hall",
            "battery": Battery(capacity_kwh=20.0, power_kw=10.0, round_trip_efficiency=0.9),
            "machines": (machine,),
            "charge_points": (point,),
            "wind": Wind(rated_kw=3.0, mean_m_per_s=5.0),
            "generator": Generator(rated_kw=5.0, fuel_price_per_l=1.2),
            "microgrid": Microgrid(
                critical_ratio=0.4,
                readiness_hours=4.0,
                shed=("laundry", "ev"),
                outages=(Outage(weekday=1, hour=17, hours=3),),
            ),
        }
    )


def _office(buildings: dict[str, dict[str, Any]]) -> Site:
    numbered = list(enumerate(buildings.values(), start=1))
    pv_kw = sum(each["pv"]["attributes"]["nominal_power"] for _, each in numbered)
    first = numbered[0][1]
    return Site(
        id="office",
        display_name="Office",
        latitude_degrees=34.1,
        longitude_degrees=-117.4,
        loads=tuple(
            Load(
                id=f"floor-{number}",
                file=f"{OFFICE}/{each['energy_simulation']}",
                column="Equipment Electric Power (kWh)",
            )
            for number, each in numbered
        ),
        pv=Pv(
            file=f"{OFFICE}/{first['energy_simulation']}",
            column="Solar Generation (W/kW)",
            unit="W/kWp",
            peak_power_kw=round(pv_kw, 1),
        ),
        battery=Battery(capacity_kwh=20.0, power_kw=10.0, round_trip_efficiency=0.9),
        connection=Connection(max_import_kw=50.0),
        fuses=(
            Fuse(
                id="charge-points",
                display_name="Transformer of the charge points",
                max_import_kw=22.0,
                max_phase_import_kw=22.0 / 3,
            ),
        ),
        charge_points=tuple(_charge_point(number) for number in range(1, _CHARGE_POINTS + 1)),
        rooms=office_rooms(OFFICE),
    )


def _charge_point(number: int) -> ChargePoint:
    """Return one of the office's; three employees share it, each with a car of his own."""
    cars = tuple(
        Vehicle(
            token=f"staff-{number}{letter}",
            capacity_kwh=(45.0, 60.0, 75.0)[(number + place) % 3],
            limit_soc=(0.8, 0.9, 1.0)[place],
        )
        for place, letter in enumerate("abc")
    )
    return ChargePoint(
        id=f"ev-{number}",
        display_name=f"Charge point {number}",
        node="charge-points",
        visits=DrawnVisits(folder=SESSIONS, place="workplace", vehicles=cars, visits_per_day=1.2),
    )


def _office_files(buildings: dict[str, dict[str, Any]]) -> list[str]:
    return [*(each["energy_simulation"] for each in buildings.values()), WEATHER]
