"""Who may speak at the local broker: names with passwords, in a folder for its owner alone."""

import base64
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wattmesh_kernel.errors import AlreadyExists, InvalidArgument, NotFound
from wattmesh_local.identities.authority import write_privately

ACL = Path(__file__).with_name("acl")
"""What each name may do: the list of a deployment."""
GATEWAY, TWIN = "gateway", "twin"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TOPIC = re.compile(r"[^\s+#$%/][^\s+#%]{0,199}")
_ITERATIONS = 101
"""As mosquitto_passwd hashes passwords; these are random and long."""


class Accounts:
    """The accounts in a folder: `passwords`, hashed, and `devices.acl`, what was granted besides.

    What is written here counts at a broker that reads these files without a restart of it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def passwords(self) -> Path:
        """Who is let in, as Mosquitto has it."""
        return self._folder / "passwords"

    @property
    def granted(self) -> Path:
        """What devices may do beyond the list of a deployment, as Mosquitto has it."""
        return self._folder / "devices.acl"

    def open(self, services: Iterable[str]) -> "Logins":
        """Give services of a run new passwords, and keep the devices that are there."""
        passwords = {name: _random_word() for name in services}
        coded = {name: mosquitto_hash(password) for name, password in passwords.items()}
        with self._alone():
            devices = {name: kept for name, kept in self._known().items() if name not in RESERVED}
            self._write(coded | devices)
            if not self.granted.exists():
                write_privately(self.granted, b"")
        return Logins(accounts=self, passwords=passwords)

    def devices(self) -> list[str]:
        """Return the names of the devices that are let in."""
        return sorted(set(self._known()) - RESERVED)

    def allow(self, device: str, below: Sequence[str] = (), *, again: bool = False) -> str:
        """Let a device in, and return its password, which is kept nowhere.

        It speaks and hears below `devices/NAME`, and `below` further topics. `again`: one that is
        let in already gets another password, and these topics in place of those before.
        Error: InvalidArgument for a name or topic that could be taken for others', AlreadyExists.
        """
        if not _NAME.fullmatch(device) or device in RESERVED:
            words = f"{device!r} cannot be a device's name: letters, digits, _, . and -"
            raise InvalidArgument("INVALID_NAME", words, field="device")
        for topic in below:
            if not _TOPIC.fullmatch(topic):
                words = f"{topic!r} is no beginning of topics: go-eCharger/000000, without + and #"
                raise InvalidArgument("INVALID_TOPIC", words, field="below")
        password = _random_word()
        with self._alone():
            known = self._known()
            if device in known and not again:
                words = f"{device} is let in already; --again gives it another password"
                raise AlreadyExists("ALREADY_EXISTS", words)
            self._grant(device, below)
            self._write({**known, device: mosquitto_hash(password)})
        return password

    def forget(self, device: str) -> None:
        """Let a device in no more: from now on it says and hears nothing. Error: NotFound."""
        with self._alone():
            known = self._known()
            if device not in known or device in RESERVED:
                raise NotFound("NOT_FOUND", f"{device} is not let in")
            self._write({name: coded for name, coded in known.items() if name != device})
            self._grant(device, ())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until nobody else changes the files: a device let in at the same time stays so."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _known(self) -> dict[str, str]:
        if not self.passwords.exists():
            return {}
        lines = (line.partition(":") for line in self.passwords.read_text().splitlines())
        return {name: coded for name, _, coded in lines}

    def _write(self, known: Mapping[str, str]) -> None:
        lines = (f"{name}:{coded}\n" for name, coded in known.items())
        write_privately(self.passwords, "".join(lines).encode())

    def _grant(self, device: str, below: Sequence[str]) -> None:
        """Write what a device may do in place of what it might before."""
        text = self.granted.read_text() if self.granted.exists() else ""
        others = [part for part in _by_user(text) if part[0] != f"user {device}"]
        topics = (topic.rstrip("/") for topic in below)
        own = [f"user {device}", *(f"topic readwrite {topic}/#" for topic in topics)]
        kept = [*others, own] if below else others
        lines = (f"{line}\n" for part in kept for line in part)
        write_privately(self.granted, "".join(lines).encode())


RESERVED = frozenset({GATEWAY, TWIN})
"""Names that are no device's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Logins:
    """As whom the services of a run speak to its broker; said to them alone."""

    accounts: Accounts
    passwords: Mapping[str, str]

    def url(self, name: str, broker: str) -> str:
        """Return the URL of a broker, with a service's name and password in it."""
        return as_somebody(broker, name, self.passwords[name])

    def __repr__(self) -> str:
        return f"Logins({', '.join(self.passwords)})"


def as_somebody(broker: str, name: str, password: str) -> str:
    """Return a broker's URL with a name and password in it."""
    parts = urlsplit(broker)
    return f"{parts.scheme}://{name}:{password}@{parts.netloc}"


def mosquitto_hash(password: str) -> str:
    """Return a password as Mosquitto's password file has it: PBKDF2, SHA-512."""
    grain = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), grain, _ITERATIONS)
    coded = (base64.b64encode(part).decode() for part in (grain, digest))
    return f"$7${_ITERATIONS}${'$'.join(coded)}"


def _random_word() -> str:
    """Return 160 random bits as letters and digits."""
    return secrets.token_hex(20)


def _by_user(text: str) -> list[list[str]]:
    """Return the lines of an access list, apart by whose they are."""
    parts: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("user "):
            parts.append([])
        if parts:
            parts[-1].append(line)
    return parts
