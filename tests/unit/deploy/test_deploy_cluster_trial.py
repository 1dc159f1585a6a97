"""The run on a real cluster: what it applies, and what it says of what it saw."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.cluster.audit import DatabaseInPod
from tests.cluster.identities import CALLER, DRIVER, Identities
from tests.cluster.kubectl import Kubectl
from tests.cluster.manifests import PARTS, documents, image
from tests.cluster.rotation import started_anew
from tests.cluster.verdict import judged
from tests.fakes.deployments import SETTINGS

CLOCK = "scaled:2016-08-31T15:00:00Z@2026-01-01T10:00:00Z*10.0"
OLD = {
    "PodDisruptionBudget": "policy/v1beta1",
    "Job": "batch/v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
}
"""Where kinds that have moved since are in Kubernetes 1.20."""


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    return Identities(tmp_path_factory.mktemp("identities"))


@pytest.fixture(scope="module")
def applied(
    tmp_path_factory: pytest.TempPathFactory, identities: Identities
) -> list[dict[str, Any]]:
    return documents(CLOCK, tmp_path_factory.mktemp("cluster"), identities)


def test_every_part_is_applied_in_an_old_clusters_words(applied: list[dict[str, Any]]) -> None:
    assert set(PARTS) == set(SETTINGS)
    text = str(applied)
    for part in PARTS:
        assert image(part) in text
    assert "'grpc': {'port'" not in text
    for each in applied:
        assert each["apiVersion"] == OLD.get(each["kind"], "v1"), each["metadata"]["name"]
    for each in applied:
        assert len(str(each)) < 2**20, "a ConfigMap may not be larger"


def test_every_process_is_on_the_same_clock(applied: list[dict[str, Any]]) -> None:
    workloads = [each for each in applied if each["kind"] in ("Deployment", "StatefulSet")]
    services = [
        container
        for each in workloads
        for container in each["spec"]["template"]["spec"]["containers"]
        if container["name"] == "service"
    ]
    assert len(services) == len(PARTS)
    for container in services:
        assert {"name": "WATTMESH_CLOCK", "value": CLOCK} in container["env"]


def test_everybody_has_the_identity_that_its_volume_asks_for(
    applied: list[dict[str, Any]], identities: Identities
) -> None:
    assert identities.holders == {*PARTS, CALLER}
    assert DRIVER not in str(applied)
    assert "WATTMESH_ALLOW_PLAINTEXT" not in str(applied)
    names = dict[str, Any]()
    for holder in identities.holders:
        leaf = x509.load_pem_x509_certificate(identities.certificate(holder).encode())
        names[holder] = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = {
        holder: found.get_values_for_type(x509.UniformResourceIdentifier)
        for holder, found in names.items()
    }
    assert uris["metering"] == ["spiffe://mesh/ns/wattmesh/sa/metering"]
    assert uris["gateway"] == ["spiffe://mesh/gateways/local"]
    assert uris[CALLER] == ["spiffe://mesh/roles/viewer/caller"]
    for part in PARTS:
        assert part in names[part].get_values_for_type(x509.DNSName)


def test_an_authority_is_replaced_in_steps_of_which_each_side_knows_the_other(
    tmp_path: Path,
) -> None:
    found = Identities(tmp_path)
    found.issue()
    first = found.roots
    found.trust_another()
    both = found.roots
    assert both.startswith(first)
    assert len(both) > len(first)
    before = found.certificate(CALLER)
    found.issue()
    assert found.certificate(CALLER) != before
    found.trust_newest_alone()
    assert first + found.roots == both


def asked(*states: str, stored: int = 10) -> dict[str, Any]:
    return {
        "now": "2016-09-01T00:00:00+00:00",
        "plans": [{"state": state, "scope": "sites/home-1"} for state in states],
        "commands": {"issued": "3", "applied": "3", "verified": "3"},
        "readings": {"devices": [{"device": "meter", "stored": str(stored)}]},
    }


def second(at: int, **failed: int) -> dict[str, Any]:
    return {"second": at, "ok": 50, "failed": failed, "slowest_ms": {"metering": 12}}


STRANGERS = {"metering": {"nameless": "UNAVAILABLE", "viewer": "PERMISSION_DENIED"}}
MADE = "PLAN_STATE_MADE"
KEPT: dict[str, list[str]] = {"no command is stranded": []}


@pytest.mark.parametrize(
    ("calls", "said", "sound"),
    [
        ([second(1)], asked(MADE), True),
        ([second(1), second(5, UNAVAILABLE=1)], asked(MADE), True),
        ([second(1, UNAVAILABLE=1)], asked(MADE), False),
        ([second(1)], asked(MADE, "PLAN_STATE_LATE"), False),
        ([second(1)], asked(MADE, stored=9), False),
        ([second(1)], asked(MADE, stored=11), False),
        ([second(1)], asked(), False),
        ([], asked(MADE), False),
    ],
    ids=["well", "excused", "a call", "late", "lost", "twice", "no plan", "nobody called"],
)
def test_it_is_sound_when_every_promise_was_kept(
    calls: list[dict[str, Any]], said: dict[str, Any], sound: bool
) -> None:
    verdict = judged(
        asked=said,
        calls=calls,
        published={"meter": 10},
        published_since={"meter": 10},
        took={},
        disturbed={},
        strangers=STRANGERS,
        broken=KEPT,
        may_fail=[(4.0, 6.0)],
    )

    assert verdict.sound is sound


@pytest.mark.parametrize(
    ("disturbed", "strangers", "broken", "sound"),
    [
        ({}, STRANGERS, KEPT, True),
        ({"drain the node": "budgets"}, STRANGERS, KEPT, False),
        ({}, {"metering": {"nameless": "OK"}}, KEPT, False),
        ({}, {}, KEPT, False),
        ({}, STRANGERS, {"no command is stranded": ["7 is APPLIED"]}, False),
        ({}, STRANGERS, {}, False),
    ],
    ids=["well", "a disturbance", "let in", "nobody tried", "a command lost", "nothing audited"],
)
def test_it_is_sound_when_each_disturbance_was_gone_over_nobody_let_in_and_no_promise_broken(
    disturbed: dict[str, str],
    strangers: dict[str, dict[str, str]],
    broken: dict[str, list[str]],
    sound: bool,
) -> None:
    verdict = judged(
        asked=asked(MADE),
        calls=[second(1)],
        published={"meter": 10},
        published_since={"meter": 10},
        took={},
        may_fail=(),
        disturbed=disturbed,
        strangers=strangers,
        broken=broken,
    )

    assert verdict.sound is sound


def test_what_was_lost_is_said_by_device() -> None:
    verdict = judged(
        asked=asked(MADE, stored=7),
        calls=[second(1)],
        published={"meter": 10},
        published_since={"meter": 10},
        took={},
        disturbed={},
        strangers=STRANGERS,
        broken=KEPT,
        may_fail=(),
    )

    assert verdict.content["readings"]["lost"] == {"meter": 3}


def test_a_pod_that_was_on_its_way_out_was_not_started_anew() -> None:
    before = {"stays": 2, "goes": 0}
    assert not started_anew(before, {"stays": 2})
    assert started_anew(before, {"stays": 3, "goes": 0}) == {"stays": 3}
    assert started_anew(before, {"stays": 2, "in its place": 0}) == {"in its place": 0}


def test_a_database_in_its_pod_is_asked_as_one_at_hand(tmp_path: Path) -> None:
    """Values are quoted, moments come back as moments, and numbers to the last digit."""
    stands_for_kubectl = tmp_path / "kubectl"
    answers = (
        '{"name": "a", "apply_time": "2016-09-05T07:00:00+00:00", "value": 0.1}',
        '{"name": "b", "apply_time": null, "value": 1e-9}',
    )
    stands_for_kubectl.write_text(
        f"#!/bin/sh\ncat > {tmp_path}/asked\n" + "".join(f"echo '{each}'\n" for each in answers)
    )
    stands_for_kubectl.chmod(0o700)
    database = DatabaseInPod(Kubectl([str(stands_for_kubectl)]))

    rows = database.execute("SELECT name WHERE name LIKE '%%s' AND name <> %s", ["o'b"]).fetchall()

    assert "WHERE name LIKE '%s' AND name <> 'o''b'" in (tmp_path / "asked").read_text()
    assert rows == [
        {"name": "a", "apply_time": datetime(2016, 9, 5, 7, tzinfo=UTC), "value": 0.1},
        {"name": "b", "apply_time": None, "value": 1e-9},
    ]
