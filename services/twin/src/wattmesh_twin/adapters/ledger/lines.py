"""Append-only files of JSON lines.

A line is written with one call and handed to the operating system at once: it outlives the end of
the process, however that comes about (not the end of the machine).
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class JsonLines:
    """One such file; a torn last line, if there is one, is cut off when it is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+")
        self._cut_torn_line()

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a line."""
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def read(self) -> Iterator[dict[str, Any]]:
        """Return every record, oldest first."""
        with self._path.open("rb") as file:
            for line in file:
                yield json.loads(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _cut_torn_line(self) -> None:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
            self._file.seek(0, os.SEEK_END)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as a whole file."""
    write_text(path, json.dumps(record, indent=1).encode())


def write_text(path: Path, text: bytes) -> None:
    """Write a whole file at once: whoever reads it sees the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(text)
    temporary.replace(path)


def time_text(moment: datetime) -> str:
    """Return a UTC time as in `2016-09-05T07:15:00.000000Z`: texts sort as the times do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def time_from_text(text: str) -> datetime:
    """Read such a time."""
    return datetime.fromisoformat(text)
