"""Which reports are made each month, and who gets them: a JSON file that the settings name.

    {
      "server": {"host": "mail.example.org", "port": 587, "security": "starttls",
                 "sender": "wattmesh@example.org",
                 "user": "wattmesh", "password_file": "/run/secrets/mail"},
      "reports": [
        {"subject": "sites/-", "to": ["energy@example.org"]},
        {"subject": "groups/campus", "to": ["board@example.org", "energy@example.org"]}
      ]
    }

`sites/-` is every site by itself, a group its sites together. Without a server, or with nobody to
get them, reports are made and kept. `security` is `starttls`, `tls` or `none`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattmesh_analytics.adapters.mail import MailServer, Security
from wattmesh_analytics.domain.monthly import ReportOrder
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.ids import GroupId, SiteId

_EVERY_SITE = "sites/-"
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    """What is ordered, and by what it is sent; None: by nothing."""

    reports: tuple[ReportOrder, ...] = ()
    server: MailServer | None = None


def read_orders(file: Path) -> Orders:
    """Return what a file orders. Error: FailedPrecondition `REPORTS_UNUSABLE`."""
    try:
        said = json.loads(file.read_text())
        server = said.get("server")
        return Orders(
            reports=tuple(_order(each) for each in said["reports"]),
            server=None if server is None else _server(server),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidArgument) as error:
        raise FailedPrecondition(
            "REPORTS_UNUSABLE", f"{file} does not say which reports are made: {error!r}"
        ) from error


def _order(said: Mapping[str, Any]) -> ReportOrder:
    name = said["subject"]
    subject: SiteId | GroupId | None = None
    if name != _EVERY_SITE:
        subject = GroupId.parse(name) if name.startswith("groups/") else SiteId.parse(name)
    return ReportOrder(subject=subject, recipients=tuple(map(_address, said.get("to", ()))))


def _server(said: Mapping[str, Any]) -> MailServer:
    server = MailServer(
        host=said["host"],
        port=int(said["port"]),
        sender=_address(said["sender"]),
        security=Security(said.get("security", "starttls")),
        user=said.get("user"),
        password=Path(said["password_file"]).read_text().strip() if "user" in said else "",
    )
    if server.user and server.security is Security.NONE and server.host not in _HERE:
        raise ValueError("a password is told to another machine over a secured line alone")
    return server


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError(f"{text!r} is no mail address")
    return text
