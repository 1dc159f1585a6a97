"""Users in the file of principals that every process of a mesh reads.

What the file has besides is kept as it is: records of tenants, and what a later version adds.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from wattmesh.identity.v1 import identity_pb2
from wattmesh_dashboard.app.ports import KeptUsers
from wattmesh_dashboard.domain.users import Key, User
from wattmesh_runtime.access.principals import KEY_PREFIX, read_principals


class PrincipalsFile:
    """The file, changed as a whole: a reader sees the one or the other."""

    def __init__(
        self,
        path: Path,
        decode: Callable[[identity_pb2.Principal], User],
        encode: Callable[[User], identity_pb2.Principal],
    ) -> None:
        self._path = path
        self._decode = decode
        self._encode = encode

    @property
    def key_prefix(self) -> str:
        """How an API key of this mesh begins."""
        return KEY_PREFIX

    def read(self) -> KeptUsers:
        """Return who is in it."""
        document = json.loads(self._path.read_text())
        keys = [_key(each) for each in document.get("api_keys", [])]
        principals = [
            json_format.ParseDict(each, identity_pb2.Principal())
            for each in document.get("principals", [])
        ]
        return KeptUsers(
            users={each.name: self._decode(each) for each in principals},
            keys={key.sha256: key for key in keys},
            tenants=tuple(each["name"] for each in document.get("tenants", [])),
        )

    @contextmanager
    def change(self) -> Iterator[KeptUsers]:
        """Give who is in it; write them when the block ends well, if the mesh can read that."""
        with _locked(self._path.with_suffix(".lock")):
            kept = self.read()
            yield kept
            document = json.loads(self._path.read_text())
            document["principals"] = [
                json_format.MessageToDict(self._encode(user)) for user in kept.users.values()
            ]
            document["api_keys"] = [_document(key) for key in kept.keys.values()]
            self._replace(json.dumps(document, indent=1).encode())

    def _replace(self, content: bytes) -> None:
        unfinished = self._path.with_suffix(".new")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(descriptor)  # half a file of users after a power cut would shut everybody out
        read_principals(unfinished)
        unfinished.replace(self._path)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Let one process at a time in."""
    with file.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _key(document: Any) -> Key:
    """Return a key; one that was written without a name is called by its digest."""
    name = document.get("name") or _by_digest(document["principal"], document["sha256"])
    created = document.get("create_time")
    return Key(
        name=name,
        display_name=document.get("display_name", ""),
        sha256=document["sha256"],
        prefix=document.get("prefix", ""),
        ends=datetime.fromisoformat(document["expire_time"]).astimezone(UTC),
        created=None if created is None else datetime.fromisoformat(created),
        request_id=document.get("request_id", ""),
    )


def _document(key: Key) -> dict[str, str]:
    created = {} if key.created is None else {"create_time": key.created.isoformat()}
    kept = {
        "principal": key.user,
        "sha256": key.sha256,
        "expire_time": key.ends.isoformat(),
    }
    if key.name == _by_digest(key.user, key.sha256):
        return kept  # it was written without a name, and whoever wrote it knows it so
    return {
        **kept,
        "name": key.name,
        "display_name": key.display_name,
        "prefix": key.prefix,
        "request_id": key.request_id,
        **created,
    }


def _by_digest(user: str, sha256: str) -> str:
    return f"{user}/api-keys/{sha256[:12]}"
