"""How a browser on this machine shows whose it is: by a session, which stands for an API key.

Two files beside the identities: the principals whom every process knows, and, for the dashboard
alone, the session with the key that it shows for it. Both are their owner's alone.
"""

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattmesh_kernel.callers import ANY_OWNER
from wattmesh_local.identities.authority import write_privately
from wattmesh_runtime.access.principals import KEY_PREFIX, TENANT, digest

PRINCIPALS, SESSION = "principals.json", "session.json"
_KEY_BYTES, _SESSION_BYTES = 24, 16


def write_session(folder: Path, person: str, uri: str, life: timedelta) -> None:
    """Write who runs this mesh; the session and its key stay until two thirds of `life` are over.

    A browser that has the session keeps it from one run to the next.
    """
    known = folder / PRINCIPALS
    if known.exists() and (folder / SESSION).exists():
        age = datetime.now(UTC) - datetime.fromtimestamp(known.stat().st_mtime, UTC)
        if uri in known.read_text() and age < life * 2 / 3:
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
    api_key = {"principal": name, "sha256": digest(key), "expire_time": ends.isoformat()}
    session = {"session": secrets.token_urlsafe(_SESSION_BYTES), "api_key": key}
    # The key before its digest: a process in between refuses it, and is asked again.
    write_privately(folder / SESSION, json.dumps(session).encode())
    document = {"principals": [principal], "api_keys": [api_key]}
    write_privately(known, json.dumps(document, indent=1).encode())


def session_address(web: str, folder: Path | None) -> str:
    """Return where a browser finds the dashboard at host:port, with its session if there is one."""
    if folder is None:
        return f"http://{web}"
    session = json.loads((folder / SESSION).read_text())["session"]
    return f"http://{web}/?session={session}"
