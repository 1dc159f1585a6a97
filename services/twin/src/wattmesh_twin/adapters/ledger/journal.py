"""What one site's devices keep on disk."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from wattmesh_kernel.ids import SiteId
from wattmesh_runtime.documents import DocumentCodec
from wattmesh_twin.adapters.ledger.lines import JsonLines, time_from_text, time_text, write_text
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.domain.site import SiteState
from wattmesh_twin.domain.telegram import BatteryRecord, Telegram

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


class FileJournal:
    """The journal of one site: telegrams and battery records with those of all sites, its state."""

    def __init__(
        self, *, site: SiteId, folder: Path, outbox: Outbox, batteries: BatteryLedger
    ) -> None:
        self._path = folder / "state" / f"{site.segment}.json"
        self._outbox = outbox
        self._batteries = batteries

    def telegrams(self, telegrams: Sequence[Telegram]) -> None:
        """Keep telegrams until the broker has them."""
        for telegram in telegrams:
            self._outbox.add(telegram)

    def battery(self, record: BatteryRecord) -> None:
        """Write down what the battery has done."""
        self._batteries.add(record)

    def save(self, state: SiteState) -> None:
        """Keep the state from which the site can be continued."""
        write_text(self._path, _STATES.to_json(state))

    def load(self) -> SiteState | None:
        """Return the state that was kept; None when there is none."""
        return _STATES.from_json(self._path.read_bytes()) if self._path.exists() else None
