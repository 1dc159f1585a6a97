"""What one site's devices keep on disk."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_runtime.documents import DocumentCodec
from wattmesh_twin.adapters.ledger.lines import JsonLines, time_from_text, time_text, write_text
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.app.run_hot_water import TankMemory
from wattmesh_twin.app.run_household import MachineMemory
from wattmesh_twin.domain.charger import ChargerState, Offer
from wattmesh_twin.domain.charging_profiles import ChargingProfiles
from wattmesh_twin.domain.rooms import RoomMemory
from wattmesh_twin.domain.site import SiteState
from wattmesh_twin.domain.telegram import (
    BatteryRecord,
    IslandRecord,
    MachineRecord,
    RoomRecord,
    Telegram,
    VisitRecord,
)

_STATES = DocumentCodec[SiteState](SiteState)


class BatteryLedger:
    """`battery.jsonl` of all sites; records of a site only go forward in time."""

    def __init__(self, folder: Path) -> None:
        self._lines = JsonLines(folder / "battery.jsonl")
        self._last: dict[str, datetime] = {
            record["site"]: time_from_text(record["time"]) for record in self._lines.read()
        }

    def add(self, record: BatteryRecord) -> None:
        """Write a record down; one that was written already (before a restart) is left alone."""
        last = self._last.get(record.site.name)
        if last is not None and record.time < last:
            return
        self._last[record.site.name] = record.time
        self._lines.append(
            asdict(record) | {"site": record.site.name, "time": time_text(record.time)}
        )

    def has(self, site: SiteId) -> bool:
        """Return whether there is a record of a site."""
        return site.name in self._last

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


class IslandLedger:
    """`islands.jsonl`: what sites that can do without the grid came to, by reporting time."""

    def __init__(self, folder: Path) -> None:
        self._lines = JsonLines(folder / "islands.jsonl")
        self._last = {
            record["site"]: time_from_text(record["time"]) for record in self._lines.read()
        }

    def add(self, record: IslandRecord) -> None:
        """Write a record down, once."""
        site = record.site.name
        if (last := self._last.get(site)) is not None and record.time <= last:
            return
        self._last[site] = record.time
        self._lines.append(asdict(record) | {"site": site, "time": time_text(record.time)})

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


class ChargePointLedger:
    """`visits.jsonl` and `told.jsonl` of all charge points: who came and left, what was said."""

    def __init__(self, folder: Path) -> None:
        self._visits = JsonLines(folder / "visits.jsonl")
        self._told = JsonLines(folder / "told.jsonl")
        self._written = {
            (record["asset"], time_from_text(record["arrival"]), bool(record["over"]))
            for record in self._visits.read()
        }

    def add(self, record: VisitRecord) -> None:
        """Write a visit down when it is first seen and when it is over, each once."""
        asset = record.asset.name
        if (key := (asset, record.arrival, record.over)) in self._written:
            return
        self._written.add(key)
        declared = record.declared_departure
        times = {name: time_text(getattr(record, name)) for name in _VISIT_TIMES}
        texts = {"asset": asset, "declared_departure": declared and time_text(declared)}
        self._visits.append(asdict(record) | times | texts)

    def told(self, device: DeviceId, moment: datetime, quantities: Sequence[str]) -> None:
        """Write down what the central system has taken."""
        self._told.append(
            {
                "device": device.name,
                "measure_time": time_text(moment),
                "quantities": list(quantities),
            }
        )

    def close(self) -> None:
        """Close the files."""
        self._visits.close()
        self._told.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePointPast:
    """How a charge point stood whenever it offered something else, and what it offered then."""

    states: tuple[ChargerState, ...]
    offers: tuple[ChargingProfiles, ...]


_PASTS = DocumentCodec[ChargePointPast](ChargePointPast)
_VISIT_TIMES = ("arrival", "departure", "at_once_start")


class HourLedger:
    """What each room, tank or machine has drawn by the end of each hour, and by plain rules.

    `rooms.jsonl` and `machines.jsonl`.
    """

    def __init__(self, file: Path) -> None:
        self._lines = JsonLines(file)
        self._last = {
            record["asset"]: time_from_text(record["time"]) for record in self._lines.read()
        }

    def add(self, record: RoomRecord | MachineRecord) -> None:
        """Write an hour down, once."""
        asset = record.asset.name
        if (last := self._last.get(asset)) is not None and record.time <= last:
            return
        self._last[asset] = record.time
        texts = {"asset": asset, "time": time_text(record.time)}
        self._lines.append(asdict(record) | texts | _window_texts(record))

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def _window_texts(record: RoomRecord | MachineRecord) -> dict[str, list[str] | None]:
    if not isinstance(record, MachineRecord):
        return {}
    if (window := record.window) is None:
        return {"window": None}
    return {"window": [time_text(window.start), time_text(window.end)]}


_MEMORIES = DocumentCodec[RoomMemory](RoomMemory)
_TANKS = DocumentCodec[TankMemory](TankMemory)
_MACHINES = DocumentCodec[MachineMemory](MachineMemory)


class FileJournal:
    """The journal of one site: telegrams, battery records and visits with those of all sites."""

    def __init__(
        self,
        *,
        site: SiteId,
        folder: Path,
        outbox: Outbox,
        batteries: BatteryLedger,
        charge_points: ChargePointLedger,
        rooms: HourLedger,
        machines: HourLedger,
        islands: IslandLedger,
    ) -> None:
        self._islands = islands
        self._folder = folder / "state"
        self._site = site
        self._path = self._folder / f"{site.segment}.json"
        self._outbox = outbox
        self._batteries = batteries
        self._charge_points = charge_points
        self._rooms = rooms
        self._machines = machines

    def telegrams(self, telegrams: Sequence[Telegram]) -> None:
        """Keep telegrams until the broker has them."""
        for telegram in telegrams:
            self._outbox.add(telegram)

    def battery(self, record: BatteryRecord) -> None:
        """Write down what the battery has done."""
        self._batteries.add(record)

    def island(self, record: IslandRecord) -> None:
        """Write down what a site that can do without the grid has come to."""
        self._islands.add(record)

    def save(self, state: SiteState) -> None:
        """Keep the state from which the site can be continued."""
        write_text(self._path, _STATES.to_json(state))

    def load(self) -> SiteState | None:
        """Return the state that was kept; None when there is none."""
        return _STATES.from_json(self._path.read_bytes()) if self._path.exists() else None

    def visit(self, record: VisitRecord) -> None:
        """Write down what became of a visit to a charge point."""
        self._charge_points.add(record)

    def room(self, record: RoomRecord) -> None:
        """Write down what a room came to in an hour."""
        self._rooms.add(record)

    def machine(self, record: MachineRecord) -> None:
        """Write down what a machine came to in an hour."""
        self._machines.add(record)

    def save_room(self, id_: str, memory: RoomMemory | TankMemory) -> None:
        """Keep from where a room or a tank can be continued."""
        text = (
            _TANKS.to_json(memory) if isinstance(memory, TankMemory) else _MEMORIES.to_json(memory)
        )
        write_text(self._part_path(id_), text)

    def save_machine(self, id_: str, memory: MachineMemory) -> None:
        """Keep from where a machine can be continued."""
        write_text(self._part_path(id_), _MACHINES.to_json(memory))

    def load_machine(self, id_: str) -> MachineMemory | None:
        """Return what was kept of a machine; None: nothing."""
        path = self._part_path(id_)
        return _MACHINES.from_json(path.read_bytes()) if path.exists() else None

    def load_tank(self, id_: str) -> TankMemory | None:
        """Return what was kept of a tank; None: nothing."""
        path = self._part_path(id_)
        return _TANKS.from_json(path.read_bytes()) if path.exists() else None

    def load_room(self, id_: str) -> RoomMemory | None:
        """Return what was kept of a room; None: nothing."""
        path = self._part_path(id_)
        return _MEMORIES.from_json(path.read_bytes()) if path.exists() else None

    def save_charger(self, id_: str, past: Sequence[tuple[ChargerState, Offer]]) -> None:
        """Keep from where a charge point can be continued, and what the meter has yet to see."""
        kept = ChargePointPast(
            states=tuple(state for state, _ in past),
            offers=tuple(offer for _, offer in past if isinstance(offer, ChargingProfiles)),
        )
        write_text(self._part_path(id_), _PASTS.to_json(kept))

    def load_charger(self, id_: str) -> list[tuple[ChargerState, Offer]]:
        """Return what was kept of a charge point; empty: nothing."""
        path = self._part_path(id_)
        if not path.exists():
            return []
        kept = _PASTS.from_json(path.read_bytes())
        return list(zip(kept.states, kept.offers, strict=True))

    def _part_path(self, id_: str) -> Path:
        return self._folder / f"{self._site.segment}.{id_}.json"
