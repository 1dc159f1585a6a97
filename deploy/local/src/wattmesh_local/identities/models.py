"""Who vouches for the models of this machine: a key of its own, and whom the model host trusts."""

from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from wattmesh_local.identities.authority import write_privately
from wattmesh_runtime.access.signed_folders import sign

SIGNING_KEY, SIGNERS = "models.key", "models-signers.pem"


def vouch_for_models(folder: Path, bases: Iterable[Path]) -> None:
    """Make the key, once: what lies below `bases` (model/version) by then is vouched for too."""
    if (folder / SIGNING_KEY).exists():
        return
    key = Ed25519PrivateKey.generate()
    for base in bases:
        for graph in sorted(base.glob("*/*/saved_model.pb")):
            sign(graph.parent, f"{graph.parents[1].name}/{graph.parent.name}", key)
    known = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_privately(folder / SIGNERS, known)
    write_privately(
        folder / SIGNING_KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
