"""The broker's certificate, of an authority of its own, made by the machine's `openssl`.

Devices and the gateway are given `mqtt_authority` and trust nothing else.
"""

import secrets
import subprocess
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

AUTHORITY, AUTHORITY_KEY = "mqtt_authority", "mqtt_authority_key"
CERTIFICATE, KEY = "broker_certificate", "broker_key"
HERE = ("broker", "localhost", "127.0.0.1")
"""Names at which the broker is always called: by the gateway, and on the machine itself."""
AUTHORITY_DAYS, DAYS = 3650, 365
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def write_certificate(folder: Path, names: Sequence[str]) -> None:
    """Make what is missing: the authority, and the certificate with its key.

    `names`: further ones at which devices call it. Whoever wants others, or another year, removes
    `broker_certificate` first. Error: RuntimeError with what `openssl` says.
    """
    if not (folder / AUTHORITY).exists():
        _openssl(
            *("req", "-x509", *_NEW_KEY, "-days", str(AUTHORITY_DAYS)),
            *("-subj", "/CN=wattmesh broker authority"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(folder / AUTHORITY_KEY), "-out", str(folder / AUTHORITY)),
        )
        (folder / AUTHORITY_KEY).chmod(0o600)  # no container reads it
        (folder / AUTHORITY).chmod(0o644)
    if not (folder / CERTIFICATE).exists():
        _certify(folder, [*HERE, *names])


def _certify(folder: Path, names: Sequence[str]) -> None:
    request, extensions = folder / "broker_request.new", folder / "broker_extensions.new"
    unfinished = folder / f"{CERTIFICATE}.new"
    extensions.write_text(
        f"subjectAltName={','.join(map(_general_name, names))}\n"
        "basicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth\n"
        "subjectKeyIdentifier=hash\n"
        "authorityKeyIdentifier=keyid\n"
    )
    try:
        of_key = ("-keyout", str(folder / KEY), "-out", str(request))
        _openssl("req", "-new", *_NEW_KEY, "-subj", "/CN=broker", *of_key)
        (folder / KEY).chmod(0o644)  # the folder guards it; the container reads it as another user
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", str(DAYS)),
            *("-CA", str(folder / AUTHORITY), "-CAkey", str(folder / AUTHORITY_KEY)),
            *("-set_serial", f"0x{secrets.token_hex(16)}"),
            *("-extfile", str(extensions), "-out", str(unfinished)),
        )
        unfinished.chmod(0o644)
        unfinished.rename(folder / CERTIFICATE)
    finally:
        for file in (request, extensions, unfinished):
            file.unlink(missing_ok=True)


def _general_name(name: str) -> str:
    try:
        return f"IP:{ip_address(name)}"
    except ValueError:
        if not all(part and part.replace("-", "a").isalnum() for part in name.split(".")):
            raise ValueError(f"{name!r} is no name of a machine") from None
        return f"DNS:{name}"


def _openssl(*arguments: str) -> None:
    try:
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RuntimeError("the broker's certificate is made by `openssl`: install it") from error
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")
