"""Who comes in at the broker and what each may do there, by files that count as they are now."""

import hashlib
import hmac
import logging
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from wattmesh_local.mqtt_broker.rights import Rights

_log = logging.getLogger(__name__)
T = TypeVar("T")
_Stamp = tuple[tuple[int, int, int], ...]


class MayDo(Protocol):
    """What names may do."""

    def may(self, action: str, name: str, topic: str) -> bool:
        """Return whether a name may `read` or `write` a topic, or all that a filter takes."""
        ...


class _Current(Generic[T]):
    """What files say, read again when one was replaced; one that is missing says nothing.

    What cannot be understood is logged, and what was said before counts on; at first: ValueError.
    """

    def __init__(self, paths: Sequence[Path], understand: Callable[[str], T]) -> None:
        self._paths = paths
        self._understand = understand
        self._stamp = self._look()
        self._said = understand(self._text())

    def __call__(self) -> T:
        """Return what they say now."""
        if (stamp := self._look()) != self._stamp:
            self._stamp = stamp
            try:
                self._said = self._understand(self._text())
            except ValueError as error:
                _log.error("%s: %s; what was there before counts", self._paths[-1], error)
        return self._said

    def _look(self) -> _Stamp:
        found = []
        for path in self._paths:
            try:
                stat = path.stat()
            except FileNotFoundError:
                found.append((0, 0, 0))
            else:
                found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)

    def _text(self) -> str:
        return "\n".join(path.read_text() for path in self._paths if path.exists())


class PasswordFile:
    """The names that are let in, as `mosquitto_passwd` writes them: PBKDF2 of SHA-512."""

    def __init__(self, path: Path) -> None:
        self._known = _Current([path], _names)

    def knows(self, name: str | None) -> bool:
        """Return whether there is such a name."""
        return bool(name) and name in self._known()

    def admits(self, name: str | None, password: str | None) -> bool:
        """Return whether the password is the name's."""
        if not name or password is None:
            return False
        coded = self._known().get(name)
        return coded is not None and _is_of(password, coded)


class AccessLists:
    """Access lists of Mosquitto, one after the other. Error: ValueError, by `Rights.parse`."""

    def __init__(self, *paths: Path) -> None:
        self._rights = _Current(paths, Rights.parse)

    def may(self, action: str, name: str, topic: str) -> bool:
        """Return whether a name may `read` or `write` a topic, or all that a filter takes."""
        return self._rights().may(action, name, topic)


@dataclass(frozen=True, kw_only=True, slots=True)
class Doors:
    """Who comes in, and what each may do there."""

    passwords: PasswordFile
    rights: MayDo

    def may(self, action: str, name: str | None, topic: str) -> bool:
        """Return whether a name may do something; one that is let in no more may do nothing."""
        return (
            name is not None and self.passwords.knows(name) and self.rights.may(action, name, topic)
        )


def _names(text: str) -> Mapping[str, str]:
    lines = (line.partition(":") for line in text.splitlines())
    return {user: coded for user, _, coded in lines}


def _is_of(password: str, coded: str) -> bool:
    match coded.split("$"):
        case ["", "7", iterations, salt, digest] if iterations.isdecimal():
            try:
                wanted, grain = b64decode(digest), b64decode(salt)
            except NotBase64:
                return False
            found = hashlib.pbkdf2_hmac("sha512", password.encode(), grain, int(iterations))
            return hmac.compare_digest(found, wanted)
        case _:
            return False
