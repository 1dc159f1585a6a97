"""What a folder of backups holds: copies by their moment, and the log since the oldest."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wattmesh_local.backup.programs import BackupError

_FORMAT = "%Y-%m-%dT%H%M%S.%fZ"
_UNFINISHED = ".unfinished"
_SEGMENT_CHARACTERS = 24
PARTIAL = ".partial"
"""What the name of the segment ends with that is still being written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A whole copy of a server's data; it leads back to `moment` or, with the log, beyond."""

    moment: datetime
    folder: Path

    @property
    def size_bytes(self) -> int:
        """How much it takes on the disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


class BackupFolder:
    """A folder of backups; made when it is first written to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @property
    def log(self) -> Path:
        """Where the write-ahead log is."""
        return self._folder / "wal"

    def copies(self) -> list[Copy]:
        """Return the copies that are whole, oldest first."""
        found = []
        for folder in sorted((self._folder / "base").glob("*Z")):
            moment = datetime.strptime(folder.name, _FORMAT).replace(tzinfo=UTC)
            found.append(Copy(moment=moment, folder=folder))
        return found

    def copy_before(self, moment: datetime | None) -> Copy:
        """Return the newest copy that leads to a moment; None: to the newest.

        Error: BackupError saying what the folder can lead back to.
        """
        copies = self.copies()
        if not copies:
            raise BackupError(f"there is no backup in {self._folder}")
        usable = [each for each in copies if moment is None or each.moment <= moment]
        if not usable:
            raise BackupError(
                f"the oldest backup in {self._folder} leads back to "
                f"{copies[0].moment.isoformat(timespec='seconds')}, not to an earlier moment",
            )
        return usable[-1]

    def begin(self) -> Path:
        """Return an empty folder for a copy that is being made; what a killed one left goes."""
        base = self._folder / "base"
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in base.glob(f"*{_UNFINISHED}"):
            shutil.rmtree(left)
        return base / f"copy{_UNFINISHED}"

    def finish(self, folder: Path, moment: datetime) -> Copy:
        """Give a copy that is whole its name."""
        final = folder.with_name(moment.astimezone(UTC).strftime(_FORMAT))
        folder.rename(final)
        return Copy(moment=moment, folder=final)

    def keep(self, count: int) -> list[Copy]:
        """Remove all but the newest copies, and the log that only they needed; return the removed.

        The log is needed from the segment on in which the oldest copy that stays began.
        """
        copies = self.copies()
        removed, kept = copies[:-count], copies[-count:]
        for each in removed:
            shutil.rmtree(each.folder)
        if removed and self.log.is_dir():
            first = _first_segment(kept[0])
            for file in self.log.iterdir():
                if _is_segment(file) and file.name[8:_SEGMENT_CHARACTERS] < first[8:]:
                    file.unlink()
        return removed

    def segments(self) -> list[Path]:
        """Return the files of the log, histories of timelines among them."""
        return sorted(self.log.iterdir()) if self.log.is_dir() else []


def _is_segment(file: Path) -> bool:
    name = file.name.removesuffix(PARTIAL)
    return len(name) == _SEGMENT_CHARACTERS and all(each in "0123456789ABCDEF" for each in name)


def _first_segment(copy: Copy) -> str:
    """Return the segment in which a copy began: its label says it."""
    for line in (copy.folder / "backup_label").read_text().splitlines():
        if line.startswith("START WAL LOCATION"):
            return line.rpartition("file ")[2].rstrip(")")
    raise BackupError(f"{copy.folder} has no label of a backup")
