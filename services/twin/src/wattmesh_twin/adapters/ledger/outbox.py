"""Telegrams on their way: kept in a file until the broker has confirmed them."""

import asyncio
from pathlib import Path
from typing import Any

from wattmesh_kernel.ids import DeviceId
from wattmesh_twin.adapters.ledger.lines import JsonLines, time_from_text, time_text
from wattmesh_twin.domain.telegram import Telegram


class Outbox:
    """The telegrams of all meters that wait, and the ledger of those that the broker confirmed.

    `outbox.jsonl` takes each telegram when it is made, `published.jsonl` when it is confirmed: what
    is in the first but not in the second is sent after a restart. Once the process stopped between
    the broker's answer and the line, a telegram goes out twice; it is never lost.
    """

    def __init__(self, folder: Path) -> None:
        self._published = JsonLines(folder / "published.jsonl")
        self._made = JsonLines(folder / "outbox.jsonl")
        self._last: dict[DeviceId, int] = {}
        self._waiting: dict[tuple[DeviceId, int], Telegram] = {}
        self._arrived = asyncio.Event()
        self._begun = False
        self._load()

    @property
    def begun(self) -> bool:
        """Whether the broker ever confirmed a telegram, in this run or one that it continues."""
        return self._begun

    def add(self, telegram: Telegram) -> None:
        """Keep a telegram; one that was kept already (after a restart) is left alone."""
        if telegram.sequence <= self._last.get(telegram.device, 0):
            return
        self._made.append(_telegram_record(telegram))
        self._enqueue(telegram)

    def pending(self) -> tuple[Telegram, ...]:
        """Return the waiting telegrams in the order in which they were made."""
        return tuple(self._waiting.values())

    async def wait(self) -> None:
        """Return when a telegram waits."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()

    def confirm(self, telegram: Telegram) -> None:
        """Write a confirmed telegram into the ledger; it waits no longer."""
        self._published.append(
            {
                "device": telegram.device.name,
                "sequence": telegram.sequence,
                "measure_time": time_text(telegram.measure_time),
                "points": telegram.points,
            }
        )
        self._begun = True
        self._waiting.pop((telegram.device, telegram.sequence), None)

    def close(self) -> None:
        """Close the files."""
        self._made.close()
        self._published.close()

    def _enqueue(self, telegram: Telegram) -> None:
        self._last[telegram.device] = telegram.sequence
        self._waiting[telegram.device, telegram.sequence] = telegram
        self._arrived.set()

    def _load(self) -> None:
        done = {(record["device"], record["sequence"]) for record in self._published.read()}
        self._begun = bool(done)
        for record in self._made.read():
            telegram = _telegram(record)
            self._enqueue(telegram)
            if (telegram.device.name, telegram.sequence) in done:
                del self._waiting[telegram.device, telegram.sequence]


def _telegram_record(telegram: Telegram) -> dict[str, Any]:
    return {
        "device": telegram.device.name,
        "sequence": telegram.sequence,
        "measure_time": time_text(telegram.measure_time),
        "import_wh": telegram.import_wh,
        "export_wh": telegram.export_wh,
        "active_power_w": telegram.active_power_w,
    }


def _telegram(record: dict[str, Any]) -> Telegram:
    return Telegram(
        device=DeviceId.parse(record["device"]),
        sequence=record["sequence"],
        measure_time=time_from_text(record["measure_time"]),
        import_wh=record["import_wh"],
        export_wh=record["export_wh"],
        active_power_w=record["active_power_w"],
    )
