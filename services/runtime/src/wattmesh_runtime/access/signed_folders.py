"""Folders whose content somebody vouches for: every file by its digest, and the list by Ed25519.

A signature says a folder's name too, so that a good one put in another's place is none. It lies in
the folder, as JSON: {"name": "load/7", "files": {"saved_model.pb": "9f86…"}, "signature": "…"}.
"""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from wattmesh_kernel.errors import FailedPrecondition

SIGNATURE = Path("assets.extra", "wattmesh.signature.json")
"""Where TensorFlow Serving looks for nothing."""
_END = b"-----END PUBLIC KEY-----\n"
MOST_BYTES = 4 * 2**30
"""Of a folder that is copied to be looked at."""


def signing_key(file: Path) -> Ed25519PrivateKey:
    """Return the key in a PEM file. Error: FailedPrecondition."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(f"{file}: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(f"{file} holds no Ed25519 key")
    return key


def signers(file: Path) -> tuple[Ed25519PublicKey, ...]:
    """Return whose signatures count: the public keys in a PEM file. Error: FailedPrecondition."""
    found = []
    try:
        for part in file.read_bytes().split(_END)[:-1]:
            key = load_pem_public_key(part + _END)
            if not isinstance(key, Ed25519PublicKey):
                raise _unusable(f"{file} holds a key that is not Ed25519")
            found.append(key)
    except (OSError, ValueError) as error:
        raise _unusable(f"{file}: {error}") from error
    if not found:
        raise _unusable(f"{file} holds no public key")
    return tuple(found)


def sign(folder: Path, name: str, key: Ed25519PrivateKey) -> None:
    """Vouch for a folder as it is now, under a name."""
    files = {path: _digest(folder / path) for path in _files(folder)}
    document = {"name": name, "files": files}
    signature = base64.b64encode(key.sign(_said(document))).decode()
    place = folder / SIGNATURE
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps({**document, "signature": signature}, indent=1), "utf-8")


def check(folder: Path, name: str, trusted: Sequence[Ed25519PublicKey]) -> None:
    """Return when somebody of `trusted` vouches for all there is in a folder, under that name.

    Error: FailedPrecondition `MODEL_NOT_SIGNED` with what is wrong.
    """
    document = _read(folder / SIGNATURE)
    if document["name"] != name:
        raise _not_signed(f"the signature is of {document['name']!r}, not of {name!r}")
    if not any(_vouches(key, document) for key in trusted):
        raise _not_signed(f"{name}: the signature is of nobody who is trusted")
    if set(document["files"]) != set(_files(folder)):
        raise _not_signed(f"{name}: there are files more or less than were signed")
    for path, digest in document["files"].items():
        if _digest(folder / path) != digest:
            raise _not_signed(f"{name}: {path} is not as it was signed")


def checked_copy(folder: Path, name: str, trusted: Sequence[Ed25519PublicKey], copy: Path) -> None:
    """Copy a folder and check the copy, which nobody else can change behind the check.

    Error: FailedPrecondition, as `check`.
    """
    if sum((folder / path).stat().st_size for path in _files(folder)) > MOST_BYTES:
        raise _not_signed(f"{name} is larger than {MOST_BYTES} bytes")
    shutil.copytree(folder, copy, symlinks=True)
    check(copy, name, trusted)


def _files(folder: Path) -> list[str]:
    """Return what there is, by its path. Error: FailedPrecondition for what is no file."""
    found = []
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise _not_signed(f"{path} is neither file nor folder")
            if path.is_file() and path.relative_to(folder) != SIGNATURE:
                found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def _read(place: Path) -> dict[str, Any]:
    try:
        document = json.loads(place.read_text("utf-8"))
        return {
            "name": str(document["name"]),
            "files": {str(path): str(digest) for path, digest in document["files"].items()},
            "signature": base64.b64decode(document["signature"], validate=True),
        }
    except FileNotFoundError:
        raise _not_signed("nobody has signed it") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_signed(f"{place} is no signature") from error


def _vouches(key: Ed25519PublicKey, document: dict[str, Any]) -> bool:
    try:
        key.verify(document["signature"], _said(document))
    except InvalidSignature:
        return False
    return True


def _said(document: dict[str, Any]) -> bytes:
    """Return the bytes that are signed: always the same for the same name and files."""
    what = {"name": document["name"], "files": document["files"]}
    return b"wattmesh folder v1\n" + json.dumps(what, sort_keys=True).encode()


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _not_signed(what: str) -> FailedPrecondition:
    return FailedPrecondition("MODEL_NOT_SIGNED", what)


def _unusable(what: str) -> FailedPrecondition:
    return FailedPrecondition("SIGNERS_UNUSABLE", what)
