"""What one site's devices keep on disk."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from wattmesh_kernel.ids import SiteId
from wattmesh_twin.adapters.ledger.lines import JsonLines, time_from_text, time_text, write_json
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.domain.battery import BatteryState
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.meter import MeterState
from wattmesh_twin.domain.site import SiteState
from wattmesh_twin.domain.telegram import BatteryRecord, Telegram


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
        write_json(self._path, _state_record(state))

    def load(self) -> SiteState | None:
        """Return the state that was kept; None when there is none."""
        if not self._path.exists():
            return None
        return _state(json.loads(self._path.read_text()))


def _state_record(state: SiteState) -> dict[str, Any]:
    return {
        "time": time_text(state.time),
        "battery": asdict(state.battery) if state.battery else None,
        "pv_export_wh": state.pv_export_wh,
        "meters": {device: asdict(meter) for device, meter in state.meters.items()},
        "setpoint": _lease_record(state.setpoint),
        "pv_limit": _lease_record(state.pv_limit),
    }


def _state(record: dict[str, Any]) -> SiteState:
    return SiteState(
        time=time_from_text(record["time"]),
        battery=BatteryState(**record["battery"]) if record["battery"] else None,
        pv_export_wh=record["pv_export_wh"],
        meters={device: MeterState(**meter) for device, meter in record["meters"].items()},
        setpoint=_lease(record["setpoint"]),
        pv_limit=_lease(record["pv_limit"]),
    )


def _lease_record(lease: Lease | None) -> dict[str, Any] | None:
    if lease is None:
        return None
    start, end = time_text(lease.start_time), time_text(lease.expire_time)
    return {"value": lease.value, "start_time": start, "expire_time": end}


def _lease(record: dict[str, Any] | None) -> Lease | None:
    if record is None:
        return None
    start, end = time_from_text(record["start_time"]), time_from_text(record["expire_time"])
    return Lease(value=record["value"], start_time=start, expire_time=end)
