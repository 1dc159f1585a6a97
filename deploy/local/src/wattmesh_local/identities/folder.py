"""The identities of a mesh as folders: one for each service, gateway and person."""

import getpass
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from wattmesh_kernel.ids import GatewayId
from wattmesh_local.identities.authority import (
    CERTIFICATE,
    KEY,
    ROOTS,
    Authority,
    Subject,
)
from wattmesh_local.identities.sessions import write_session
from wattmesh_runtime.access.roles import ROLES, SERVICES
from wattmesh_runtime.settings import ServiceSettings

GATEWAY_FOLDER = "gateway-local"
OWN_FOLDER = "own"
"""The identity of whoever runs the mesh on this machine: its administrator."""
DOMAIN = "mesh"
NAMESPACE = "wattmesh"
HERE = ("localhost", "127.0.0.1", "::1")
LIFE = timedelta(days=30)


def service_subject(service: str, *, suffixes: Sequence[str] = ()) -> Subject:
    """Return the identity of a service, reached by its name, here, and below some domains."""
    names = (service, *(f"{service}.{suffix}" for suffix in suffixes), *HERE)
    return Subject(uri=f"spiffe://{DOMAIN}/ns/{NAMESPACE}/sa/{service}", names=names)


def gateway_subject(gateway: str) -> Subject:
    """Return the identity of a gateway, which serves its status too. Error: InvalidArgument."""
    segment = GatewayId(gateway).segment
    return Subject(uri=f"spiffe://{DOMAIN}/gateways/{segment}", names=("gateway", *HERE))


def person_subject(name: str, role: str) -> Subject:
    """Return the identity of somebody with a role. Error: ValueError."""
    if role not in ROLES or role == "device":
        raise ValueError(f"{role!r} is none of {', '.join(sorted(set(ROLES) - {'device'}))}")
    if not name or not all(part.isalnum() or part in "-_." for part in name):
        raise ValueError(f"{name!r} is no name: letters, digits, -, _ and .")
    return Subject(uri=f"spiffe://{DOMAIN}/roles/{role}/{name}")


def service_subjects(suffixes: Sequence[str] = ()) -> dict[str, Subject]:
    """Return the identities of all services but the gateway, which has a name of its own."""
    return {
        service: service_subject(service, suffixes=suffixes)
        for service in SERVICES
        if service != "gateway"
    }


def local_identities(folder: Path, person: str | None = None) -> Path:
    """Issue the identities of a mesh on this machine, and its administrator's; return that one.

    What is there and far from its end stays. The administrator may act in any name, and has an API
    key for browsers (`sessions.py`). `person`: whose mesh it is; None: of whoever is logged in.
    """
    person = _logged_in() if person is None else person
    named = "".join(letter if letter.isalnum() else "-" for letter in person) or "admin"
    subjects = service_subjects()
    subjects[GATEWAY_FOLDER] = gateway_subject("local")
    subjects[OWN_FOLDER] = person_subject(named, "admin")
    issue(folder, subjects)
    write_session(folder, named, subjects[OWN_FOLDER].uri, LIFE)
    return folder / OWN_FOLDER


def _logged_in() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container runs as somebody whom nobody has named
        return "admin"


def tls_settings(folder: Path) -> dict[str, str]:
    """Return the settings of whoever shows the identity in a folder."""
    return {
        "tls_certificate_file": str(folder / CERTIFICATE),
        "tls_key_file": str(folder / KEY),
        "tls_ca_file": str(folder / ROOTS),
    }


def caller_settings(folder: Path | None) -> ServiceSettings:
    """Return the settings of whoever shows a folder; None: what the environment names."""
    if folder is None:
        return ServiceSettings()
    return ServiceSettings(
        tls_certificate_file=folder / CERTIFICATE,
        tls_key_file=folder / KEY,
        tls_ca_file=folder / ROOTS,
    )


def issue(
    folder: Path, subjects: dict[str, Subject], *, life: timedelta = LIFE, all_of_them: bool = False
) -> list[str]:
    """Issue what is missing, damaged, somebody else's or nearly over; return whose.

    The authority is made when there is none. `all_of_them` issues the others anew as well.
    Error: FailedPrecondition when the authority cannot be read.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = Authority.open(folder)
    worn = [
        name
        for name, subject in subjects.items()
        if all_of_them or not authority.stands_for(folder / name, subject)
    ]
    for name in worn:
        authority.write(folder / name, subjects[name], life)
    return worn
