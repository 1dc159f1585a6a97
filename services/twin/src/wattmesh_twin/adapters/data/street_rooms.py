"""The cooled rooms of the street: three of the office, and one home with a heat pump.

Each is one of the six buildings of the CityLearn Challenge 2023 (phase 3), with its people, devices
and weather. Its physics are those of `domain/zone.py`, whose parameters were fitted to the data
set's own indoor temperature (least squares over the 2,208 hours of June to August, each day free
from its first hour on, under the data set's cooling load, weather, devices and 100 W a person).
RMSE, beside how much the temperature varies: building 1 0.71 of 1.21 K, building 4 0.47 of 0.62,
building 5 0.92 of 1.47, building 6 0.55 of 1.18 K. Irradiance is the sum of the data set's
diffuse and direct columns. The most power is the data set's `cooling_device`, its efficiency that
of `cooling_cop` (0.35 of Carnot's where CityLearn has 0.23 to 0.27 over a smaller lift: 3.3 and 3.2
at 30 degrees outside). Comfort is half a kelvin above the mean of the data set's set points, by the
hours in which they change.

The home's hot water is drawn as building 4 draws it (6.1 kWh a day); its tank and heat pump are not
the data set's (2.7 kWh with a heating element) but those of `domain/tank.py`.
"""

from dataclasses import dataclass

from wattmesh_twin.adapters.data.layout import Band, Column, Comfort, Room, Tank

WEATHER = "weather.csv"
HOME_WITH_HEAT_PUMP = 3
_WIDTH_K = 3.5
_SUN = ("Diffuse Solar Radiation (W/m2)", "Direct Solar Radiation (W/m2)")
_FIELDS = (
    "interior_wh_per_k",
    "envelope_wh_per_k",
    "interior_envelope_k_per_w",
    "envelope_outdoor_k_per_w",
    "interior_outdoor_k_per_w",
    "interior_aperture_m2",
    "envelope_aperture_m2",
)


@dataclass(frozen=True, slots=True)
class _Building:
    """A building of the data set: cooling power [kW], comfort [°C] from hour to hour, physics."""

    number: int
    most_kw: float
    day_celsius: float
    night_celsius: float
    day_hour: int
    night_hour: int
    thermal: tuple[float, ...]


_OFFICE = (
    _Building(1, 4.1, 25.1, 23.8, 8, 24, (6902, 24157, 0.00178, 0.00503, 0.00378, 0.93, 1.05)),
    _Building(5, 5.8, 26.3, 24.3, 8, 17, (6767, 107699, 0.00061, 0.01803, 0.00243, 3.49, 3.54)),
    _Building(6, 4.1, 25.6, 24.2, 10, 23, (2395, 10614, 0.00058, 0.00453, 0.00388, 0.95, 1.45)),
)
_HOME = _Building(4, 3.6, 27.2, 27.0, 8, 20, (11279, 78975, 0.00078, 0.00701, 0.00395, 1.19, 1.62))


def office_rooms(folder: str) -> tuple[Room, ...]:
    """Return the office's cooled rooms, of files below `folder`; the first one is on Modbus."""
    first, *others = (
        _room(each, folder, f"zone-{number}", f"Room {number}")
        for number, each in enumerate(_OFFICE, start=1)
    )
    return (first.model_copy(update={"protocol": "modbus"}), *others)


def home_room(folder: str) -> Room:
    """Return the room of the home that has a heat pump."""
    return _room(_HOME, folder, "zone", "Rooms")


def home_tank(folder: str) -> Tank:
    """Return the tank of the home that has a heat pump: 250 litres, 290 Wh/K."""
    return Tank(
        id="tank",
        display_name="Hot water",
        capacity_wh_per_k=290.0,
        loss_w_per_k=2.0,
        heater_kw=1.2,
        outdoor=Column(file=f"{folder}/{WEATHER}", column="Outdoor Drybulb Temperature (C)"),
        draws=Column(file=f"{folder}/Building_{_HOME.number}.csv", column="DHW Heating (kWh)"),
    )


def _room(building: _Building, folder: str, id_: str, name: str) -> Room:
    measured, weather = f"{folder}/Building_{building.number}.csv", f"{folder}/{WEATHER}"
    return Room(
        id=id_,
        display_name=name,
        mode="cooling",
        max_power_kw=building.most_kw,
        min_power_kw=0.1 * building.most_kw,
        comfort=Comfort(
            day=_band(building.day_celsius),
            night=_band(building.night_celsius),
            day_hour=building.day_hour,
            night_hour=building.night_hour,
        ),
        outdoor=Column(file=weather, column="Outdoor Drybulb Temperature (C)"),
        sun=tuple(Column(file=weather, column=each) for each in _SUN),
        devices=Column(file=measured, column="Equipment Electric Power (kWh)"),
        people=Column(file=measured, column="Occupant Count (people)"),
        thermal=dict(zip(_FIELDS, map(float, building.thermal), strict=True)),
    )


def _band(high: float) -> Band:
    return Band(low=high - _WIDTH_K, high=high)
