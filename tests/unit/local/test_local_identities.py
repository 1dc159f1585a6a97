"""Identities that a mesh without an authority of its own gives itself."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_local.cli import app
from wattmesh_local.identities.authority import CERTIFICATE, KEY, ROOTS, Authority
from wattmesh_local.identities.folder import (
    OWN_FOLDER,
    caller_settings,
    issue,
    local_identities,
    person_subject,
    service_subjects,
)
from wattmesh_local.identities.sessions import PRINCIPALS, SESSION
from wattmesh_local.options import MeshOptions
from wattmesh_local.running.processes import SERVICES, Addresses, ProcessPlan, RunFolders
from wattmesh_runtime.access.certificates import caller_of
from wattmesh_runtime.access.principals import digest, read_principals
from wattmesh_runtime.tls import certificates


def uri_in(folder: Path) -> str:
    certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uri


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["certs", str(folder), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_certs_issues_what_is_missing_and_renews_what_is_worn(tmp_path: Path) -> None:
    assert "operator-alice" in run(tmp_path, "--person", "operator/alice", "--gateway", "roof")
    assert uri_in(tmp_path / "operator-alice") == "spiffe://mesh/roles/operator/alice"
    assert uri_in(tmp_path / "gateway-roof") == "spiffe://mesh/gateways/roof"
    before = (tmp_path / "planner" / KEY).read_bytes()
    assert "nothing was due" in run(tmp_path, "--gateway", "roof")
    assert (tmp_path / "planner" / KEY).read_bytes() == before

    issue(tmp_path, service_subjects(), life=timedelta(0), all_of_them=True)
    assert "planner" in run(tmp_path, "--gateway", "roof")
    assert (tmp_path / "planner" / KEY).read_bytes() != before


def shorten(folder: Path) -> None:
    """A disk was full."""
    (folder / "planner" / CERTIFICATE).write_bytes(b"-----BEGIN CERT")


def empty_session(folder: Path) -> None:
    (folder / SESSION).write_text("")


def take_anothers_key(folder: Path) -> None:
    (folder / "planner" / KEY).write_bytes((folder / "control" / KEY).read_bytes())


def lose_the_authority(folder: Path) -> None:
    (folder / ROOTS).unlink()


def expire(folder: Path) -> None:
    """Nobody has started this mesh for months."""
    issue(folder, service_subjects(), life=timedelta(0), all_of_them=True)


def set_the_clock_back(folder: Path) -> None:
    """What was issued is not valid yet."""
    authority = Authority.open(folder)
    later = datetime.now(UTC) + timedelta(days=3)
    issued = authority.issue(service_subjects()["planner"], timedelta(days=30), later)
    for name, content in zip((CERTIFICATE, KEY), issued, strict=True):
        (folder / "planner" / name).write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [shorten, empty_session, take_anothers_key, lose_the_authority, expire, set_the_clock_back],
)
def test_what_an_old_folder_holds_that_is_of_no_use_is_made_anew(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A mesh that was started once starts again, whatever became of its files."""
    own = local_identities(tmp_path, "ada")
    damage(tmp_path)

    local_identities(tmp_path, "ada")

    assert json.loads((tmp_path / SESSION).read_text())["api_key"]
    for folder in (tmp_path / "planner", own):
        held = certificates(caller_settings(folder))
        assert held is not None
        held.value  # noqa: B018 - it refuses what does not belong together or is not valid now
        assert (folder / ROOTS).read_bytes() == (tmp_path / ROOTS).read_bytes()


def test_an_authority_that_cannot_be_read_is_told_and_not_replaced(tmp_path: Path) -> None:
    """All who trust it would be locked out, without a word."""
    local_identities(tmp_path, "ada")
    (tmp_path / "ca.key").write_text("garbage")
    with pytest.raises(FailedPrecondition, match=r"ca\.key cannot be read"):
        local_identities(tmp_path, "ada")
    assert (tmp_path / "ca.key").read_text() == "garbage"


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    run(tmp_path / "identities")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 30
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    assert (tmp_path / "identities").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("person", ["root/alice", "device/roof", "operator/", "operator/a/b"])
def test_nobody_gets_a_role_that_is_none(tmp_path: Path, person: str) -> None:
    result = CliRunner().invoke(app, ["certs", str(tmp_path), "--person", person])
    assert result.exit_code == 1


def test_a_persons_certificate_serves_nothing(tmp_path: Path) -> None:
    issue(tmp_path, {"alice": person_subject("alice", "viewer")})
    certificate = x509.load_pem_x509_certificate((tmp_path / "alice" / CERTIFICATE).read_bytes())
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [use.dotted_string for use in uses] == [x509.OID_CLIENT_AUTH.dotted_string]


def test_every_process_shows_who_it_is_and_nobody_shows_anothers(tmp_path: Path) -> None:
    own = local_identities(tmp_path / "identities", "alice")
    options = MeshOptions(state_folder=tmp_path, data_folder=tmp_path, identities=True)
    addresses = Addresses.choose(options, "postgresql://here/db")
    folders = RunFolders(
        run=tmp_path, models=tmp_path, spool=tmp_path, identities=tmp_path / "identities"
    )
    plan = ProcessPlan(options, folders, addresses)
    names = {}
    for process in plan.services(SERVICES, "system"):
        folder = Path(process.environment["WATTMESH_TLS_CERTIFICATE_FILE"]).parent
        caller = caller_of(uri_in(folder), "mesh")
        assert caller is not None
        names[process.name] = caller.name.rpartition("/")[2]
        assert process.identity == own == tmp_path / "identities" / OWN_FOLDER
    assert names.pop("gateway") == "local"
    assert names == {name: name for name in names}
    administrator = caller_of(uri_in(own), "mesh")
    assert administrator is not None
    assert administrator.owners == {"alice"}


def test_the_browsers_key_is_the_administrators_who_may_act_in_any_name(tmp_path: Path) -> None:
    own = local_identities(tmp_path, "ada")
    known = read_principals(tmp_path / PRINCIPALS)
    key = json.loads((tmp_path / SESSION).read_text())["api_key"]

    by_key, by_certificate = known.of_key(key), known.by_uri[uri_in(own)].caller(time.time())

    assert by_key == by_certificate
    assert by_key is not None
    assert by_key.may("PERMISSION_LIMIT_WRITE")
    assert by_key.may_act_for("whoever sits here")
    assert by_key.may_send_as("meter-data/2026")
    assert not by_key.may_send_as("gateways/local")
    assert by_key.gateway is None
    assert known.of_key(key, time.time() + 31 * 86_400) is None


def test_a_session_stays_from_run_to_run_until_it_is_worn(tmp_path: Path) -> None:
    local_identities(tmp_path, "ada")
    first = (tmp_path / SESSION).read_text()
    local_identities(tmp_path, "ada")
    assert (tmp_path / SESSION).read_text() == first
    long_ago = time.time() - 25 * 86_400
    os.utime(tmp_path / SESSION, (long_ago, long_ago))
    local_identities(tmp_path, "ada")
    assert (tmp_path / SESSION).read_text() != first
    old = json.loads(first)["api_key"]
    assert read_principals(tmp_path / PRINCIPALS).of_key(old) is None


def test_whoever_was_added_is_still_there_when_a_session_is_renewed(tmp_path: Path) -> None:
    local_identities(tmp_path, "ada")
    known = tmp_path / PRINCIPALS
    document = json.loads(known.read_text())
    ems = "tenants/default/principals/ems"
    document["principals"].append({"name": ems, "role_bindings": [{"role": "ROLE_KIND_VIEWER"}]})
    key = {"principal": ems, "sha256": digest("wm_ems"), "expire_time": "2100-01-01T00:00:00Z"}
    document["api_keys"].append(key)
    known.write_text(json.dumps(document))
    for person in ("ada", "ben"):
        os.utime(tmp_path / SESSION, (0, 0))
        local_identities(tmp_path, person)
        caller = read_principals(known).of_key("wm_ems")
        assert caller is not None
        assert caller.name == ems


def test_who_runs_the_mesh_after_somebody_else_is_themselves(tmp_path: Path) -> None:
    for person in ("ada", "ben"):
        own = local_identities(tmp_path, person)
        caller = read_principals(tmp_path / PRINCIPALS).by_uri[uri_in(own)].caller(time.time())
        assert caller.name.endswith(f"/{person}")


def test_the_dashboard_alone_is_told_the_session(tmp_path: Path) -> None:
    options = MeshOptions(state_folder=tmp_path, data_folder=tmp_path, identities=True)
    folders = RunFolders(
        run=tmp_path, models=tmp_path, spool=tmp_path, identities=tmp_path / "identities"
    )
    plan = ProcessPlan(options, folders, Addresses.choose(options, "postgresql://here/db"))
    told = {
        each.name
        for each in plan.services(SERVICES, "system")
        if "WATTMESH_SESSION_FILE" in each.environment
    }
    assert told == {"dashboard"}
