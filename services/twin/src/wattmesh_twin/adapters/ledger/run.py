"""What a ledger folder belongs to: one run of the twin, continued by every restart."""

import hashlib
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from wattmesh_kernel.errors import FailedPrecondition, Unavailable
from wattmesh_kernel.ids import SiteId
from wattmesh_twin.adapters.ledger.lines import time_from_text, time_text, write_json

_FIRST_PORT, _LAST_PORT = 20000, 31999
"""Where free ports are looked for: below those that the system gives to outgoing connections."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What must be the same at every restart, and when the run began."""

    title: str
    sites: tuple[SiteId, ...]
    reporting_interval: timedelta
    begin: datetime


def open_run(folder: Path, run: Run) -> Run:
    """Return the run that the folder belongs to: the one it was made for, or `run` if it is new.

    Error: FailedPrecondition when it was made for other data or settings.
    """
    path = folder / "run.json"
    if not path.exists():
        write_json(path, _record(run))
        return run
    record = json.loads(path.read_text())
    if record != _record(run) | {"begin": record["begin"]}:
        raise FailedPrecondition(
            "OTHER_RUN", f"the ledger {folder} was made for {record['title']} and other settings"
        )
    return replace(run, begin=time_from_text(record["begin"]))


def _record(run: Run) -> dict[str, object]:
    return {
        "title": run.title,
        "sites": [site.name for site in run.sites],
        "reporting_interval_s": run.reporting_interval.total_seconds(),
        "begin": time_text(run.begin),
    }


def open_ports(folder: Path, sites: Sequence[SiteId], host: str, base: int) -> dict[SiteId, int]:
    """Return each site's port: from `base` upwards, or the same free ones at every start (0)."""
    if base:
        return {site: base + index for index, site in enumerate(sites)}
    path = folder / "ports.json"
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    ports: dict[SiteId, int] = {}
    for site in sites:
        taken = {*known.values(), *ports.values()}
        ports[site] = known.get(site.name) or _free_port(folder, host, taken)
    write_json(path, {site.name: port for site, port in ports.items()})
    return ports


def _free_port(folder: Path, host: str, taken: set[int]) -> int:
    """Return a free port; folders start their search in different places, not to meet."""
    span = _LAST_PORT - _FIRST_PORT + 1
    digest = hashlib.sha256(str(folder.resolve()).encode()).digest()
    first = int.from_bytes(digest[:4], "big") % span
    for step in range(span):
        port = _FIRST_PORT + (first + step) % span
        if port not in taken and _is_free(host, port):
            return port
    raise Unavailable("NO_FREE_PORT", "no port is free for the devices")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


class HistoryMark:
    """The file that says that metering has the history; delete it to have it sent again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "history.json"

    def is_set(self) -> bool:
        """Return whether it was sent."""
        return self._path.exists()

    def set(self) -> None:
        """Remember that it was sent."""
        write_json(self._path, {"stored": True})
