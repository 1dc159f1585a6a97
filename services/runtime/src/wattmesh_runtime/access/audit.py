"""Who did what: a line for each call that could change something, chained by digests.

    python -m wattmesh_runtime.access.audit FILE…     verify files; status 1 when one is not sound

A file is one process's, only ever added to. What is changed, taken out or put in between later is
found; what is cut off at the end only by the last digest, which `verify` prints, kept elsewhere.
"""

import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

log = logging.getLogger(__name__)

FIRST_DIGEST = "0" * 64
NOT_RECORDED = frozenset(
    {"PERMISSION_PROBLEM_SOLVE", "PERMISSION_FORECAST_ISSUE", "PERMISSION_READING_INGEST"}
)
"""They change nothing, or, as readings do, are a record of their own."""
NAMES = ("name", "device", "subject", "gateway")
"""Fields of a request that say what it is about, in this order; also one message further in."""

_subject: ContextVar[str] = ContextVar("subject", default="")


def is_recorded(permission: str | None) -> bool:
    """Whether calls with a permission could change something."""
    return permission is not None and not (
        permission.endswith(("_READ", "OPEN")) or permission in NOT_RECORDED
    )


def note_subject(request: Any) -> None:
    """Keep in mind, for the line at the end of the call, what a request is about."""
    if isinstance(request, Message):
        _subject.set(_name_in(request) or _subject.get())


def current_subject() -> str:
    """Return what the call is about; empty: nothing in particular."""
    return _subject.get()


def _name_in(message: Message) -> str:
    for name in NAMES:
        value = getattr(message, name, "")
        if isinstance(value, str) and value:
            return value
    for field, value in message.ListFields():
        if isinstance(value, Message) and not field.is_repeated:
            found = next(
                (v for n in NAMES if isinstance(v := getattr(value, n, ""), str) and v), ""
            )
            if found:
                return found
    return ""


class AuditTrail:
    """The file of one process, whose chain goes on where it ended.

    A last line that a crash has cut short is taken off. A file that is not sound is set aside, for
    somebody to look at, and another one begun: the mesh goes on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        found = _continued(path) if path.exists() else Verdict(count=0)
        self._count, self._digest = found.count, found.last_digest
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "a")

    def record(self, what: Mapping[str, Any]) -> None:
        """Add a line; a disk that takes it not is said in the log, since the call is over."""
        self._count += 1
        line = {"number": self._count, "time": datetime.now(UTC).isoformat(), **what}
        line["previous_digest"] = self._digest
        self._digest = line["digest"] = digest_of(line)
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            log.error("%s: %s was not recorded: %s", self._path, what.get("method"), error)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _continued(path: Path) -> "Verdict":
    """Return where the chain of a file ended; the file is mended or set aside where it must be."""
    text = path.read_text(errors="replace")
    whole, _, rest = text.rpartition("\n")
    found = verify(whole.splitlines())
    if found.broken is not None:
        aside = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        path.rename(aside)
        log.error("%s: line %d is not what was written; kept as %s", path, found.broken, aside.name)
        return Verdict(count=0)
    if rest:
        log.warning("%s: the last line was cut short and is taken off", path)
        os.truncate(path, len(f"{whole}\n".encode()) if whole else 0)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How many lines are sound, the number of the first that is not, and the last sound digest."""

    count: int
    broken: int | None = None
    last_digest: str = FIRST_DIGEST


def verify(lines: Iterable[str]) -> Verdict:
    """Work the chain of digests out again."""
    count, digest = 0, FIRST_DIGEST
    for text in lines:
        try:
            line = json.loads(text)
            kept = line.pop("digest")
            sound = line["previous_digest"] == digest and line["number"] == count + 1
        except (ValueError, KeyError, TypeError, AttributeError):
            return Verdict(count=count, broken=count + 1, last_digest=digest)
        if not sound or digest_of(line) != kept:
            return Verdict(count=count, broken=count + 1, last_digest=digest)
        count, digest = count + 1, kept
    return Verdict(count=count, last_digest=digest)


def digest_of(line: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a line without its own digest."""
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()


def main(paths: list[str]) -> int:
    """Verify files; say of each how many lines are sound."""
    if not paths:
        print(__doc__)
        return 2
    sound = True
    for path in paths:
        verdict = verify(Path(path).read_text().splitlines())
        sound = sound and verdict.broken is None
        fault = "" if verdict.broken is None else f"; line {verdict.broken} is not what was written"
        print(f"{path}: {verdict.count} lines are sound{fault}; last digest {verdict.last_digest}")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
