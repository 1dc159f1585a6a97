"""Notices as payloads of NOTIFY, which PostgreSQL bounds at 8000 bytes."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from wattmesh_control.app.chunks import chunks
from wattmesh_control.app.ports import Notice
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import CommandId, GatewayId, SiteId
from wattmesh_kernel.reserve_signal import ReserveSignal

CHANNEL = "wattmesh_control"

_MOST_NAMES = 50
"""Ids of at most 63 bytes, twice in a payload."""
_MOST_SIGNALS = 20
"""Each of at most 350 bytes, in payloads of their own."""


def payloads(notice: Notice, process: str) -> Iterator[str]:
    """Return a notice as the payloads that say it."""
    parts = zip_longest(
        chunks(notice.orders, _MOST_NAMES), chunks(notice.moved, _MOST_NAMES), fillvalue=()
    )
    for index, (orders, moved) in enumerate([*parts] or [((), ())]):
        said = {
            "process": process,
            "orders": [each.segment for each in orders],
            "moved": [each.segment for each in moved],
            "due": notice.due.isoformat() if notice.due and not index else None,
            "wanted": notice.wanted.name if notice.wanted and not index else None,
        }
        if any(said[key] for key in said if key != "process"):
            yield json.dumps({key: value for key, value in said.items() if value})
    for signals in chunks(notice.signals, _MOST_SIGNALS):
        yield json.dumps({"process": process, "signals": [_signal_said(each) for each in signals]})


def notice_from_payload(payload: str, process: str) -> Notice | None:
    """Return the notice of another process; None for one of this one, or without sense."""
    try:
        said = json.loads(payload)
        if said["process"] == process:
            return None
        return Notice(
            orders=tuple(CommandId(each) for each in said.get("orders", ())),
            due=datetime.fromisoformat(said["due"]) if "due" in said else None,
            moved=tuple(CommandId(each) for each in said.get("moved", ())),
            wanted=GatewayId.parse(said["wanted"]) if "wanted" in said else None,
            events=tuple(int(each) for each in said.get("events", ())),
            signals=tuple(_signal(each) for each in said.get("signals", ())),
        )
    except (ValueError, KeyError, TypeError, WattmeshError):
        return None


def _signal_said(signal: ReserveSignal) -> list[object]:
    seconds = signal.hold.total_seconds()
    time = signal.signal_time.isoformat()
    return [signal.site.name, signal.reserve, signal.power_w, seconds, time]


def _signal(said: list[Any]) -> ReserveSignal:
    site, reserve, power_w, seconds, time = said
    return ReserveSignal(
        site=SiteId.parse(site),
        reserve=reserve,
        power_w=power_w,
        hold=timedelta(seconds=seconds),
        signal_time=datetime.fromisoformat(time),
    )
