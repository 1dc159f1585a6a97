"""TLS from certificate files that are read again when they change; without them, plaintext."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.access.files import Reloaded
from wattmesh_runtime.settings import ServiceSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificates:
    """What a process shows, and whom it trusts, as PEM."""

    chain: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    roots: bytes | None = None

    @property
    def pair(self) -> tuple[bytes, bytes]:
        """Key and chain, of a process that shows one."""
        assert self.key is not None, "asked of what has a certificate"
        assert self.chain is not None, "asked of what has a certificate"
        return self.key, self.chain


def certificates(settings: ServiceSettings) -> Reloaded[Certificates] | None:
    """Return the certificates of a process; None without any.

    Error: FailedPrecondition when a file is missing, key and certificate do not belong together,
    or the certificate is not valid now.
    """
    named = (settings.tls_certificate_file, settings.tls_key_file, settings.tls_ca_file)
    paths = tuple(path for path in named if path is not None)
    if not paths:
        return None
    return Reloaded(paths, lambda: _read(settings))


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """Return what a server shows; with a CA file, callers must show a certificate of it too.

    A certificate that is replaced is shown from the next connection on. Error: FailedPrecondition
    when they are unusable, or there is a CA without a certificate of one's own.
    """
    if settings.tls_certificate_file is None and settings.tls_ca_file is not None:
        raise _unusable("tls_ca_file alone is half of it: a server needs a certificate and its key")
    if settings.tls_certificate_file is None:
        return None
    files = certificates(settings)
    assert files is not None, "there is a certificate"
    shown = _Shown(files)
    credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
        shown.configuration(),
        shown.newer,  # type: ignore[arg-type]  # None says that nothing has changed
        require_client_authentication=settings.tls_ca_file is not None,
    )
    return credentials


def certificate_range(settings: ServiceSettings) -> Callable[[], TimeRange | None]:
    """Return what says when the certificate holds that a process shows now; None: it shows none.

    Error: FailedPrecondition when it is unusable.
    """
    files = certificates(settings)

    def holds() -> TimeRange | None:
        chain = None if files is None else files.current().chain
        if chain is None:
            return None
        leaf = _leaf(chain)
        return TimeRange(leaf.not_valid_before_utc, leaf.not_valid_after_utc)

    return holds


def channel_credentials(held: Certificates) -> grpc.ChannelCredentials:
    """Return what a caller trusts (the CA file, else the system's roots) and shows."""
    return grpc.ssl_channel_credentials(
        root_certificates=held.roots, private_key=held.key, certificate_chain=held.chain
    )


class _Shown:
    """The certificates of a server; gRPC asks for newer ones at every handshake, in its threads."""

    def __init__(self, files: Reloaded[Certificates]) -> None:
        self._files = files
        self._version = files.version

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        held = self._files.current()
        return grpc.ssl_server_certificate_configuration([held.pair], root_certificates=held.roots)

    def newer(self) -> grpc.ServerCertificateConfiguration | None:
        self._files.current()
        if self._version == self._files.version:
            return None
        self._version = self._files.version
        return self.configuration()


def _read(settings: ServiceSettings) -> Certificates:
    held = Certificates(
        chain=_bytes(settings.tls_certificate_file),
        key=_bytes(settings.tls_key_file),
        roots=_bytes(settings.tls_ca_file),
    )
    try:
        if held.roots is not None:
            x509.load_pem_x509_certificates(held.roots)
        if held.chain is not None and held.key is not None:
            _check_pair(held.chain, held.key, settings.tls_certificate_file)
    except (ValueError, TypeError) as error:
        raise _unusable(f"no PEM that can be read: {error}") from error
    return held


def _check_pair(chain: bytes, key: bytes, path: Path | None) -> None:
    leaf = _leaf(chain)
    of_key = load_pem_private_key(key, None).public_key()
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if leaf.public_key().public_bytes(*form) != of_key.public_bytes(*form):
        raise _unusable(f"{path} and its key do not belong together")
    now = datetime.now(UTC)  # as TLS itself does: the machine's time, whatever the mesh's clock is
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise _unusable(f"{path} is valid until {leaf.not_valid_after_utc}, which is not now")


def _leaf(chain: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificates(chain)[0]


def _bytes(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(f"{path}: {error.strerror}") from error


def _unusable(what: str) -> FailedPrecondition:
    return FailedPrecondition("CERTIFICATES_UNUSABLE", what)
