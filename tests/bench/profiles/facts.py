"""Registers of a profile held against those that others use: type, word order, scale, unit, sign.

A fact is a row of a table with the columns of evcc's templates: template, usage, quantity, address,
register type, decode, scale. evcc counts powers of batteries and solar out of the device positive,
those of meters and chargers into it; energies in kWh, states of charge in per cent.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wattmesh_gateway.drivers.modbus_tcp.profile import ModbusProfile, Register, ScaledNumber

FILE = "device_facts/evcc_modbus_registers.csv"
Row = Mapping[str, str]

_UNITS = {"power": 1.0, "energy": 1000.0, "returnenergy": 1000.0, "soc": 0.01}
_UNITS |= {"currents": 1.0, "voltages": 1.0}
_GIVES = ("battery", "pv")
_TEMPLATE = re.compile(r"evcc's template ([a-z0-9-]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """How many points of a profile there are facts about, and what differs, in words."""

    points: int
    compared: int
    differences: Sequence[str]


def read_facts(folder: Path) -> Sequence[Row]:
    """Return the rows of the table in a folder of reference data."""
    with (folder / FILE).open(newline="") as file:
        return list(csv.DictReader(file))


def template_of(profile: ModbusProfile) -> str | None:
    """Return the template that a profile says it was made from."""
    found = _TEMPLATE.search(profile.source)
    return None if found is None else found.group(1)


def compared(profile: ModbusProfile, facts: Iterable[Row]) -> Compared:
    """Return what the facts say of the points of a profile."""
    template = template_of(profile)
    rows = [each for each in facts if each["template"] == template]
    matches = {
        quantity: [each for each in rows if _is_about(each, quantity, number, profile)]
        for quantity, number in profile.points.items()
    }
    differences = [
        f"{profile.name}: {quantity}: {'; '.join(_differences(number, found, profile))}"
        for quantity, number in profile.points.items()
        if (found := matches[quantity]) and all(_differs(number, each, profile) for each in found)
    ]
    return Compared(
        points=len(matches),
        compared=sum(bool(each) for each in matches.values()),
        differences=differences,
    )


def _differences(
    number: ScaledNumber, rows: Sequence[Row], profile: ModbusProfile
) -> Iterator[str]:
    for row in rows:
        yield from _differs(number, row, profile)


def _gives(row: Row, profile: ModbusProfile) -> bool:
    """Return whether it is a battery or solar: where the table leaves it open, by the profile."""
    return row["usage"] in _GIVES or (not row["usage"] and "soc_ratio" in profile.quantities)


def _is_about(row: Row, quantity: str, number: ScaledNumber, profile: ModbusProfile) -> bool:
    location = number.location
    if not isinstance(location, Register) or row["address"] != str(location.register):
        return False
    if row["quantity"] not in _UNITS or row["register_type"].startswith("write"):
        return False
    gives = _gives(row, profile)
    meant = {
        "power": "active_power_w",
        "energy": "export_energy_wh" if gives else "import_energy_wh",
        "returnenergy": "import_energy_wh" if gives else "export_energy_wh",
        "soc": "soc_ratio",
        "currents": "current_a",
        "voltages": "voltage_v",
    }
    return meant[row["quantity"]] == quantity


def _differs(number: ScaledNumber, row: Row, profile: ModbusProfile) -> list[str]:
    """Return what of a point is otherwise than a fact says; what it does not say is not asked."""
    location = number.location
    assert isinstance(location, Register)
    found = []
    decode = row["decode"].replace("nan", "")
    if decode.rstrip("s") in ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"):
        order = "little" if decode.endswith("s") else "big"
        if location.type.value != decode.rstrip("s"):
            found.append(f"{location.type.value}, not {decode.rstrip('s')}")
        if location.word_order.value != order and location.type.registers > 1:
            found.append(f"{location.word_order.value} word order, not {order}")
        if row["decode"].rstrip("s").endswith("nan") and not location.missing:
            found.append("nothing is said to be missing")
    table = row["register_type"]
    if table in ("holding", "input") and location.table.value != table:
        found.append(f"{location.table.value} register, not {table}")
    sign = -1.0 if row["quantity"] == "power" and _gives(row, profile) else 1.0
    scale = sign * float(row["scale"] or 1.0) * _UNITS[row["quantity"]]
    if abs(number.scale - scale) > 1e-9 * abs(scale):
        found.append(f"scale {number.scale:g}, not {scale:g}")
    return found
