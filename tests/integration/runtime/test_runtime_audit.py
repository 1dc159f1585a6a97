"""The trail of who did what: every write, allowed or not, and nothing changed in it unseen."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.identities import Identities
from tests.fakes.unserved import call, methods, register_all
from wattmesh.control.v1 import control_pb2
from wattmesh.site.v1 import site_pb2, site_service_pb2
from wattmesh_runtime.access.audit import AuditTrail, verify
from wattmesh_runtime.testing import channel_for_test, serve_for_test

METHODS = {method.name: method for method in methods()}


async def trail_of(tmp_path: Path) -> list[dict[str, Any]]:
    """What an operator left: a command, a limit that is not hers, a site that she may not make."""
    identities, file = Identities(tmp_path / "identities"), tmp_path / "audit" / "trail.jsonl"
    site = site_service_pb2.CreateSiteRequest(site=site_pb2.Site(name="sites/home-1"))
    device = "sites/home-1/devices/battery"
    command = control_pb2.IssueCommandRequest(device=device, owner="alice", priority=100)
    above = control_pb2.IssueCommandRequest(device=device, owner="alice", priority=1000)
    async with (
        serve_for_test(register_all, settings=identities.server(audit_file=file)) as target,
        channel_for_test(target, identities.of("spiffe://mesh/roles/operator/alice")) as channel,
    ):
        await call(channel, METHODS["ListSites"])
        await call(channel, METHODS["IssueCommand"], command)
        await call(channel, METHODS["IssueCommand"], above)
        await call(channel, METHODS["CreateSite"], site)
    assert file.stat().st_mode & 0o077 == 0
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_each_write_is_written_down_with_who_what_and_what_came_of_it(tmp_path: Path) -> None:
    lines = await trail_of(tmp_path)
    assert {line["principal"] for line in lines} == {"tenants/default/principals/alice"}
    assert [
        (line["method"].rpartition(".")[2], line["resource"], line["status_code"]) for line in lines
    ] == [
        ("IssueCommand", "sites/home-1/devices/battery", "UNIMPLEMENTED"),
        ("IssueCommand", "sites/home-1/devices/battery", "PERMISSION_DENIED"),
        ("CreateSite", "", "PERMISSION_DENIED"),
    ]
    assert all(line["request_id"] for line in lines)


def written(tmp_path: Path) -> Path:
    file = tmp_path / "trail.jsonl"
    for runs in range(2):  # a restart goes on with the chain
        trail = AuditTrail(file)
        for number in range(3):
            trail.record({"method": f"{runs}-{number}"})
        trail.close()
    return file


def test_a_restart_goes_on_with_the_chain(tmp_path: Path) -> None:
    verdict = verify(written(tmp_path).read_text().splitlines())
    assert (verdict.count, verdict.broken) == (6, None)


@pytest.mark.parametrize(
    ("spoil", "broken"),
    [
        (lambda lines: [*lines[:2], lines[2].replace("0-2", "9-9"), *lines[3:]], 3),
        (lambda lines: [*lines[:2], *lines[3:]], 3),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
        (lambda lines: [*lines, "{"], 7),
    ],
    ids=["changed", "taken out", "repeated", "exchanged", "half a line"],
)
def test_what_was_changed_is_found_and_set_aside(tmp_path: Path, spoil: Any, broken: int) -> None:
    file = written(tmp_path)
    file.write_text("\n".join(spoil(file.read_text().splitlines())) + "\n")
    command = [sys.executable, "-m", "wattmesh_runtime.access.audit", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"line {broken} is not what was written" in done.stdout
    AuditTrail(file).close()
    (aside,) = (each for each in tmp_path.iterdir() if each != file)
    assert verify(aside.read_text().splitlines()).broken == broken
    assert file.read_text() == ""


def test_a_line_that_a_crash_cut_short_costs_that_line_alone(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.write_text(file.read_text()[:-20])
    trail = AuditTrail(file)
    trail.record({"method": "after"})
    trail.close()
    verdict = verify(file.read_text().splitlines())
    assert (verdict.count, verdict.broken) == (6, None)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
