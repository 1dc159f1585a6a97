"""What the simulated devices wrote down themselves, and how the meters compare.

The one place outside of metering and control that the report looks at: only the devices know what
they published and what their batteries really did.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.time import TimeRange

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class BatteryLedger:
    """A battery's own counters over time: seconds since 1970, and AC energies [Wh]."""

    times_s: list[float]
    charge_wh: list[float]
    discharge_wh: list[float]
    soc_ratios: list[float]

    def throughput_wh(self, span: TimeRange) -> tuple[float, float]:
        """Return the energy charged and discharged over `span` [Wh], interpolated in time."""
        ends = [span.start.timestamp(), span.end.timestamp()]
        charged = np.interp(ends, self.times_s, self.charge_wh)
        discharged = np.interp(ends, self.times_s, self.discharge_wh)
        return float(charged[1] - charged[0]), float(discharged[1] - discharged[0])

    def soc_ratio(self, moment: datetime) -> float:
        """Return the state of charge at a time."""
        return float(np.interp(moment.timestamp(), self.times_s, self.soc_ratios))


def published_readings(folder: Path) -> int:
    """Return how many readings devices gave out, each once.

    What the broker confirmed to meters, and the central system to charge points.
    """
    seen = {}
    for line in lines_of(folder / "published.jsonl"):
        seen[line["device"], line["measure_time"]] = int(line["points"])
    told = {
        (line["device"], line["measure_time"], quantity)
        for line in lines_of(folder / "told.jsonl")
        for quantity in line["quantities"]
    }
    return sum(seen.values()) + len(told)


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitLedger:
    """A visit to a charge point, by the charge point's own count [Wh, AC].

    `wanted_wh` is what the vehicle would have drawn with all the time in the world; `at_once_wh`
    what it would have in each hour from `at_once_start` on with nobody in control.
    """

    asset: str
    arrival: datetime
    departure: datetime
    wanted_wh: float
    charged_wh: float
    at_once_start: datetime
    at_once_wh: tuple[float, ...]


def visits(folder: Path) -> list[VisitLedger]:
    """Return all visits, each once: of one that is over what it came to."""
    found = {}
    for line in sorted(lines_of(folder / "visits.jsonl"), key=lambda line: bool(line["over"])):
        found[line["asset"], line["arrival"]] = VisitLedger(
            asset=line["asset"],
            arrival=datetime.fromisoformat(line["arrival"]),
            departure=datetime.fromisoformat(line["departure"]),
            wanted_wh=float(line["wanted_wh"]),
            charged_wh=float(line["charged_wh"]),
            at_once_start=datetime.fromisoformat(line["at_once_start"]),
            at_once_wh=tuple(map(float, line["at_once_wh"])),
        )
    return list(found.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomLedger:
    """A room's own count by the end of each hour, and what plain rules would have come to.

    Times are seconds since 1970; energies [Wh] and times outside of comfort [K h] are registers,
    those of rules by the rule's name. The band [°C] is that of the hour that ends.
    """

    times_s: list[float]
    low_celsius: list[float]
    high_celsius: list[float]
    rules_wh: dict[str, list[float]]
    rules_kh: dict[str, list[float]]

    def band(self, moment: datetime) -> tuple[float, float]:
        """Return what was wanted at a moment [°C]; nothing known: everything."""
        index = int(np.searchsorted(self.times_s, moment.timestamp(), side="right"))
        if index >= len(self.times_s):
            return -np.inf, np.inf
        return self.low_celsius[index], self.high_celsius[index]


def room_ledgers(folder: Path) -> dict[str, RoomLedger]:
    """Return the ledger of every room by its asset's name."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines_of(folder / "rooms.jsonl"):
        rows[line["asset"]].append(line)
    return {
        asset: RoomLedger(
            times_s=[datetime.fromisoformat(line["time"]).timestamp() for line in lines],
            low_celsius=[float(line["low_celsius"]) for line in lines],
            high_celsius=[float(line["high_celsius"]) for line in lines],
            rules_wh=_registers(lines, "rules_wh"),
            rules_kh=_registers(lines, "rules_kh"),
        )
        for asset, lines in rows.items()
    }


def _registers(lines: list[dict[str, Any]], name: str) -> dict[str, list[float]]:
    return {rule: [float(line[name][rule]) for line in lines] for rule in lines[0][name]}


def battery_ledgers(folder: Path) -> dict[str, BatteryLedger]:
    """Return the ledger of every site's battery by the site's name."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines_of(folder / "battery.jsonl"):
        rows[line["site"]].append(line)
    ledgers = {}
    for site, lines in rows.items():
        lines.sort(key=lambda line: str(line["time"]))
        ledgers[site] = BatteryLedger(
            times_s=[datetime.fromisoformat(line["time"]).timestamp() for line in lines],
            charge_wh=[float(line["charge_wh"]) for line in lines],
            discharge_wh=[float(line["discharge_wh"]) for line in lines],
            soc_ratios=[float(line["soc_ratio"]) for line in lines],
        )
    return ledgers


def lines_of(file: Path) -> Iterator[dict[str, Any]]:
    """Give the whole lines of a file that may still be written to."""
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        if line.endswith("}"):
            yield json.loads(line)
