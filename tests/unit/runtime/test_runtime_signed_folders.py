"""A folder that somebody vouches for, and everything that is done to it afterwards."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_runtime.access.signed_folders import (
    SIGNATURE,
    check,
    checked_copy,
    sign,
    signers,
    signing_key,
)

KEY, OTHERS = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TRUSTED = (KEY.public_key(),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "load" / "7"
    (made / "variables").mkdir(parents=True)
    (made / "saved_model.pb").write_bytes(b"graph")
    (made / "variables" / "variables.index").write_bytes(b"weights")
    sign(made, "load/7", KEY)
    return made


def changed(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(b"other")


def added(folder: Path) -> None:
    (folder / "variables" / "more").write_bytes(b"")


def removed(folder: Path) -> None:
    (folder / "variables" / "variables.index").unlink()


def unsigned(folder: Path) -> None:
    (folder / SIGNATURE).unlink()


def signed_by_another(folder: Path) -> None:
    sign(folder, "load/7", OTHERS)


def signed_as_another(folder: Path) -> None:
    sign(folder, "pv/7", KEY)


def renamed_in_the_signature(folder: Path) -> None:
    sign(folder, "pv/7", KEY)
    document = json.loads((folder / SIGNATURE).read_text())
    (folder / SIGNATURE).write_text(json.dumps({**document, "name": "load/7"}))


def signed_anew_in_part(folder: Path) -> None:
    changed(folder)
    document = json.loads((folder / SIGNATURE).read_text())
    sign(folder, "load/7", OTHERS)
    files = json.loads((folder / SIGNATURE).read_text())["files"]
    (folder / SIGNATURE).write_text(json.dumps({**document, "files": files}))


def linked_elsewhere(folder: Path) -> None:
    graph = folder / "saved_model.pb"
    graph.rename(folder.parent / "elsewhere.pb")
    graph.symlink_to(folder.parent / "elsewhere.pb")


def nonsense(folder: Path) -> None:
    (folder / SIGNATURE).write_text('{"name": 1, "files": [], "signature": "!"}')


DONE_TO_IT = (
    *(changed, added, removed, unsigned, signed_by_another, signed_as_another),
    *(renamed_in_the_signature, signed_anew_in_part, linked_elsewhere, nonsense),
)


@pytest.mark.parametrize("done", DONE_TO_IT)
def test_what_nobody_vouches_for_is_refused(folder: Path, done: Callable[[Path], None]) -> None:
    check(folder, "load/7", TRUSTED)
    done(folder)
    with pytest.raises(FailedPrecondition) as caught:
        check(folder, "load/7", TRUSTED)
    assert caught.value.reason == "MODEL_NOT_SIGNED"
    with pytest.raises(FailedPrecondition):
        checked_copy(folder, "load/7", TRUSTED, folder.parent / "copy")


def test_the_copy_is_what_was_checked(folder: Path, tmp_path: Path) -> None:
    checked_copy(folder, "load/7", TRUSTED, tmp_path / "copy")
    shutil.rmtree(folder)
    assert (tmp_path / "copy" / "saved_model.pb").read_bytes() == b"graph"


def test_one_of_several_signers_is_enough(folder: Path, tmp_path: Path) -> None:
    known = tmp_path / "signers.pem"
    known.write_bytes(
        b"".join(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            for key in (OTHERS, KEY)
        )
    )
    check(folder, "load/7", signers(known))


def test_a_key_of_another_kind_or_none_ends_the_start(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1())
    file = tmp_path / "key.pem"
    file.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(FailedPrecondition, match="no Ed25519"):
        signing_key(file)
    with pytest.raises(FailedPrecondition, match="no public key"):
        signers(file)
    with pytest.raises(FailedPrecondition):
        signing_key(tmp_path / "nowhere")
