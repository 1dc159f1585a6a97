"""How a browser on this machine shows whose it is: by a session, which stands for an API key.

Two files beside the identities: the principals whom every process knows, and, for the dashboard
alone, the session with the key that it shows for it. Both are their owner's alone.
"""

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wattmesh_kernel.callers import ANY_OWNER
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_local.identities.authority import write_privately
from wattmesh_runtime.access.principals import KEY_PREFIX, TENANT, digest

PRINCIPALS, SESSION = "principals.json", "session.json"
_BROWSER = "api-keys/browser"
_KEY_BYTES, _SESSION_BYTES = 24, 16


def write_session(folder: Path, person: str, uri: str, life: timedelta) -> None:
    """Write who runs this mesh; the session and its key stay until two thirds of `life` are over.

    A browser that has the session keeps it from one run to the next, and so does everybody who was
    added to the file. Error: FailedPrecondition when the file of them cannot be read.
    """
    known, held = folder / PRINCIPALS, folder / SESSION
    if known.exists() and _is_whole(held):
        age = datetime.now(UTC) - datetime.fromtimestamp(held.stat().st_mtime, UTC)
        if uri in known.read_text() and timedelta(0) <= age < life * 2 / 3:
            return
    key = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    name = f"{TENANT}/principals/{person}"
    principal = {
        "name": name,
        "kind": "PRINCIPAL_KIND_PERSON",
        "role_bindings": [{"role": "ROLE_KIND_ADMIN"}],
        "owners": [person, ANY_OWNER],
        "credentials": [{"certificate": {"uri": uri}}],
    }
    ends = datetime.now(UTC) + life
    api_key = {
        "principal": name,
        "sha256": digest(key),
        "expire_time": ends.isoformat(),
        "name": f"{name}/{_BROWSER}",
        "display_name": "The browser of whoever runs this mesh",
    }
    session = {"session": secrets.token_urlsafe(_SESSION_BYTES), "api_key": key}
    # The key before its digest: a process in between refuses it, and is asked again.
    write_privately(held, json.dumps(session).encode())
    document = _others(known, name)
    document["principals"].insert(0, principal)
    document["api_keys"].insert(0, api_key)
    write_privately(known, json.dumps(document, indent=1).encode())


def _is_whole(held: Path) -> bool:
    """Whether a session is there, and not half of one that a full disk has left."""
    try:
        return set(json.loads(held.read_text())) == {"session", "api_key"}
    except (OSError, ValueError, TypeError):
        return False


def _others(known: Path, person: str) -> dict[str, Any]:
    """Return what a file says of everybody but a person's record and browser; at first nothing."""
    try:
        document = json.loads(known.read_text()) if known.exists() else {}
    except ValueError as error:
        raise FailedPrecondition("PRINCIPALS_UNUSABLE", f"{known}: {error}") from error
    principals = [each for each in document.get("principals", []) if each["name"] != person]
    keys = [each for each in document.get("api_keys", []) if not _is_of_a_browser(each, person)]
    return {**document, "principals": principals, "api_keys": keys}


def _is_of_a_browser(key: dict[str, str], person: str) -> bool:
    """Whether a key is of a session: one that was written before keys had names has none."""
    if "name" not in key:
        return key["principal"] == person
    return key["name"].endswith(f"/{_BROWSER}")


def session_address(web: str, folder: Path | None) -> str:
    """Return where a browser finds the dashboard at host:port, with its session if there is one."""
    if folder is None:
        return f"http://{web}"
    session = json.loads((folder / SESSION).read_text())["session"]
    return f"http://{web}/?session={session}"
