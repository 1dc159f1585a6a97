"""The labels of versions: a file beside them, which every replica and every training reads."""

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from wattmesh_forecast.domain.labels import Labels

log = logging.getLogger(__name__)

FILE = "labels.json"


class ModelLabels:
    """Reads and writes `<model>/labels.json`; a file that has not changed is not read again."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._read: dict[str, tuple[tuple[int, int], Labels | None]] = {}

    def of(self, model: str) -> Labels | None:
        """Return the labels of a model; None: there are none, and the newest version answers."""
        path = self._base / model / FILE
        try:
            status = path.stat()
        except OSError:
            return None
        state = (status.st_mtime_ns, status.st_ino)
        known = self._read.get(model)
        if known is None or known[0] != state:
            known = (state, _labels(path))
            self._read[model] = known
        return known[1]

    def put(self, model: str, labels: Labels) -> None:
        """Write the labels of a model; nobody sees half of them."""
        path = self._base / model / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {
            "stable": labels.stable,
            "candidate": labels.candidate,
            "canary": labels.canary,
            "since": None if labels.since is None else labels.since.isoformat(),
        }
        # Under a name of its own first: several replicas and a training write here.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".labels-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file)
        Path(name).rename(path)


def _labels(path: Path) -> Labels | None:
    try:
        document: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        since = document["since"]
        return Labels(
            stable=int(document["stable"]),
            candidate=None if document["candidate"] is None else int(document["candidate"]),
            canary=bool(document["canary"]),
            since=None if since is None else datetime.fromisoformat(since),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s says nothing of versions: %s", path, error)
        return None
