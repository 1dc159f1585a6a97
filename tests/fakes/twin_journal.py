"""A journal that keeps everything in memory."""

from collections.abc import Sequence

from wattmesh_twin.domain.site import SiteState
from wattmesh_twin.domain.telegram import BatteryRecord, Telegram


class MemoryJournal:
    """A SiteJournal for tests."""

    def __init__(self) -> None:
        self.sent: list[Telegram] = []
        self.records: list[BatteryRecord] = []
        self.state: SiteState | None = None

    def telegrams(self, telegrams: Sequence[Telegram]) -> None:
        self.sent.extend(telegrams)

    def battery(self, record: BatteryRecord) -> None:
        self.records.append(record)

    def save(self, state: SiteState) -> None:
        self.state = state
