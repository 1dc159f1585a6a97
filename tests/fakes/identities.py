"""Identities for tests: an authority of its own, and settings of whoever shows what it issued."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wattmesh_local.identities.authority import CERTIFICATE, KEY, ROOTS, Authority, Subject
from wattmesh_local.identities.folder import HERE
from wattmesh_runtime.settings import ServiceSettings


class Identities:
    """Issues identities below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority.open(folder)

    def issue(self, uri: str, *, ago: timedelta = timedelta(0), serves: bool = False) -> Path:
        """Issue an hour of a URI, begun so long ago; return its folder."""
        names = HERE if serves else ()
        start = datetime.now(UTC) - ago
        certificate, key = self.authority.issue(
            Subject(uri=uri, names=names), timedelta(hours=1), start
        )
        folder = self.folder / uri.replace("/", "_").replace(":", "")
        folder.mkdir(exist_ok=True)
        for name, content in (
            (CERTIFICATE, certificate),
            (KEY, key),
            (ROOTS, self.authority.roots),
        ):
            (folder / name).write_bytes(content)
        return folder

    def of(self, uri: str, *, serves: bool = False, **further: Any) -> ServiceSettings:
        """Return the settings of whoever shows a URI."""
        return settings_of(self.issue(uri, serves=serves), **further)

    def server(self, **further: Any) -> ServiceSettings:
        """Return the settings of a server with an identity."""
        return self.of("spiffe://mesh/ns/wattmesh/sa/metering", serves=True, **further)


def settings_of(folder: Path, **further: Any) -> ServiceSettings:
    return ServiceSettings(
        tls_certificate_file=folder / CERTIFICATE,
        tls_key_file=folder / KEY,
        tls_ca_file=folder / ROOTS,
        shutdown_notice_seconds=0,
        grace_seconds=0.2,
        **further,
    )
