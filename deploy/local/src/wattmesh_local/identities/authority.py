"""A certificate authority in a folder, for meshes without cert-manager or SPIRE."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wattmesh_kernel.errors import FailedPrecondition

CERTIFICATE, KEY, ROOTS = "tls.crt", "tls.key", "ca.crt"
"""The files of an identity, named as Kubernetes names them."""
AUTHORITY_LIFE = timedelta(days=3650)
_BACKDATED = timedelta(minutes=5)
"""Clocks differ: a certificate counts from a little before it was made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Whom a certificate is about: its URI, and the names at which it is called, if it serves."""

    uri: str
    names: tuple[str, ...] = ()


class Authority:
    """A CA whose key lies in a folder; whoever reads that folder is everybody."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the authority of a folder, made now when there is none or it is nearly over.

        Error: FailedPrecondition when its files cannot be read.
        """
        certificate, key = folder / ROOTS, folder / "ca.key"
        if key.exists() and certificate.exists():
            found = cls._read(certificate, key)
            if is_fresh(found._certificate):
                return found
        made = cls._make()
        write_privately(key, made._key_pem(made._key))
        write_privately(certificate, made.roots)
        return made

    @classmethod
    def _read(cls, certificate: Path, key: Path) -> Self:
        try:
            loaded = load_pem_private_key(key.read_bytes(), None)
            found = x509.load_pem_x509_certificate(certificate.read_bytes())
        except (ValueError, TypeError) as error:
            words = f"{certificate} and {key.name} cannot be read: without them all is issued anew"
            raise FailedPrecondition("CERTIFICATES_UNUSABLE", words) from error
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise FailedPrecondition("CERTIFICATES_UNUSABLE", f"{key} is none of ours")
        return cls(found, loaded)

    @classmethod
    def _make(cls) -> Self:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wattmesh authority")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @property
    def roots(self) -> bytes:
        """The authority's certificate as PEM."""
        return self._certificate.public_bytes(Encoding.PEM)

    def issue(
        self, subject: Subject, life: timedelta, start: datetime | None = None
    ) -> tuple[bytes, bytes]:
        """Return a new certificate and its key as PEM, valid from `start` (now) on."""
        key = ec.generate_private_key(ec.SECP256R1())
        start = datetime.now(UTC) if start is None else start
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if subject.names:
            uses.append(ExtendedKeyUsageOID.SERVER_AUTH)
        names = _names(subject)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start - _BACKDATED)
            .not_valid_after(start + life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM), self._key_pem(key)

    def write(self, folder: Path, subject: Subject, life: timedelta) -> None:
        """Issue an identity into a folder, in place of the one that is there."""
        certificate, key = self.issue(subject, life)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_privately(folder / ROOTS, self.roots)
        # The key first: a reader in between finds that they do not belong together, and waits.
        write_privately(folder / KEY, key)
        write_privately(folder / CERTIFICATE, certificate)

    def stands_for(self, folder: Path, subject: Subject) -> bool:
        """Whether a folder holds a subject's identity, whole, of this authority and not worn.

        What was left half written, or issued by an authority before, is none.
        """
        try:
            certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
            key = load_pem_private_key((folder / KEY).read_bytes(), None)
            known = (folder / ROOTS).read_bytes() == self.roots
            certificate.verify_directly_issued_by(self._certificate)
            held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            return False
        belongs = certificate.public_key() == key.public_key()
        named = all(name in held.value for name in _names(subject))
        return known and belongs and named and is_fresh(certificate)

    @staticmethod
    def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def is_fresh(certificate: x509.Certificate) -> bool:
    """Whether a certificate counts already, and two thirds of its life are not over yet."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start <= datetime.now(UTC) < start + (end - start) * 2 / 3


def _names(subject: Subject) -> list[x509.GeneralName]:
    uri = x509.UniformResourceIdentifier(subject.uri)
    return [uri, *map(_general_name, subject.names)]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def write_privately(file: Path, content: bytes) -> None:
    """Replace a file as a whole, readable by its owner alone."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = file.with_suffix(f"{file.suffix}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    unfinished.replace(file)
