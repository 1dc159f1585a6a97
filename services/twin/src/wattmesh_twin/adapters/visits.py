"""Visits from a CSV file: who comes to a charger, when, and with what."""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import to_utc
from wattmesh_twin.domain.charger import Visit
from wattmesh_twin.domain.vehicle import VehicleSpec

COLUMNS = (
    "arrival_time",
    "departure_time",
    "arrival_soc_ratio",
    "capacity_wh",
    "max_current_a",
    "phases",
    "token",
)

_DECLARED = "declared_departure_time"
_MOST_GIVEN, _LEAST_SOC = "max_discharge_power_w", "least_soc_ratio"


def load_visits(file: Path) -> tuple[Visit, ...]:
    """Return the visits of a file, by arrival; InvalidArgument names file, line and what is wrong.

    Times are RFC 3339; the columns are `COLUMNS`, in any order, and `declared_departure_time` where
    drivers say when they leave: empty in a row whose driver does not. Of a vehicle that gives, also
    `max_discharge_power_w` and `least_soc_ratio`, empty or left out: 0.
    """
    with file.open(encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InvalidArgument("INVALID_FILE", f"{file}: no column {missing[0]}")
        return tuple(sorted(_visits(file, reader), key=lambda each: each.arrival))


def _visits(file: Path, reader: "csv.DictReader[str]") -> Iterator[Visit]:
    for row in reader:
        try:
            yield Visit(
                arrival=to_utc(datetime.fromisoformat(row["arrival_time"])),
                departure=to_utc(datetime.fromisoformat(row["departure_time"])),
                arrival_soc_ratio=float(row["arrival_soc_ratio"]),
                vehicle=VehicleSpec(
                    capacity_wh=float(row["capacity_wh"]),
                    max_current_a=float(row["max_current_a"]),
                    phases=int(row["phases"]),
                    max_discharge_power_w=float(row.get(_MOST_GIVEN) or 0.0),
                    least_soc_ratio=float(row.get(_LEAST_SOC) or 0.0),
                ),
                token=row["token"],
                declared_departure=_time(row.get(_DECLARED) or ""),
            )
        except (ValueError, TypeError, InvalidArgument) as error:
            where = f"{file}:{reader.line_num}"
            raise InvalidArgument("INVALID_FILE", f"{where}: {error}") from error


def _time(text: str) -> datetime | None:
    return to_utc(datetime.fromisoformat(text)) if text else None
