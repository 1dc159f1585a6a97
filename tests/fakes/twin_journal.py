"""A journal that keeps everything in memory."""

from collections.abc import Sequence

from wattmesh_twin.app.run_hot_water import TankMemory
from wattmesh_twin.app.run_household import MachineMemory
from wattmesh_twin.domain.charger import ChargerState, Offer
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


class MemoryJournal:
    """A SiteJournal for tests."""

    def __init__(self) -> None:
        self.sent: list[Telegram] = []
        self.records: list[BatteryRecord] = []
        self.state: SiteState | None = None
        self.islands: list[IslandRecord] = []
        self.visits: list[VisitRecord] = []
        self.rooms: list[RoomRecord] = []
        self.machines: list[MachineRecord] = []
        self.machine_memories: dict[str, MachineMemory] = {}
        self.memories: dict[str, RoomMemory | TankMemory] = {}
        self.pasts: dict[str, Sequence[tuple[ChargerState, Offer]]] = {}

    def telegrams(self, telegrams: Sequence[Telegram]) -> None:
        self.sent.extend(telegrams)

    def battery(self, record: BatteryRecord) -> None:
        self.records.append(record)

    def island(self, record: IslandRecord) -> None:
        self.islands.append(record)

    def visit(self, record: VisitRecord) -> None:
        self.visits.append(record)

    def room(self, record: RoomRecord) -> None:
        self.rooms.append(record)

    def save_room(self, id_: str, memory: RoomMemory | TankMemory) -> None:
        self.memories[id_] = memory

    def machine(self, record: MachineRecord) -> None:
        self.machines.append(record)

    def save_machine(self, id_: str, memory: MachineMemory) -> None:
        self.machine_memories[id_] = memory

    def save_charger(self, id_: str, past: Sequence[tuple[ChargerState, Offer]]) -> None:
        self.pasts[id_] = past

    def save(self, state: SiteState) -> None:
        self.state = state
