"""Who may reach whom is who calls whom: network policies against the parts' own settings."""

from itertools import product
from typing import Any

import pytest

from tests.fakes.deployments import (
    OVERLAYS,
    PARTS,
    Document,
    callees,
    compose,
    containers,
    name_of,
    overlay,
    rendered,
    workloads,
)

DEMO = "components/demo-site/policies"
PORTS = {
    "alertmanager": 9093,
    "database": 5432,
    "broker": 1883,
    "model-server": 8500,
    "collector": 4317,
}
OURS = 50051
NAME = "app.kubernetes.io/name"
WATCHERS = {
    ("prometheus", "collector", 8889),
    ("prometheus", "alertmanager", 9093),
    ("grafana", "prometheus", 9090),
    ("grafana", "database", 5432),
    ("grafana", "traces", 16686),
    ("collector", "traces", 4317),
}

Edges = set[tuple[str, str, int]]


BROKER_WITH_TLS = {"staging", "edge"}


def expected(name: str = "") -> Edges:
    """By the settings, each part to whom it calls; all to the collector; jobs to the database.

    `name`: of an overlay, since the broker of some speaks TLS alone.
    """
    ports = PORTS | ({"broker": 8883} if name in BROKER_WITH_TLS else {})
    calls = {(part, whom) for part in PARTS for whom in callees(part).values()}
    calls |= {(part, "collector") for part in PARTS} | {("migration", "database")}
    return {(who, whom, ports.get(whom, OURS)) for who, whom in calls} | WATCHERS


def names_in(selector: Document, known: set[str]) -> set[str]:
    """Which of the known names a pod selector takes."""
    taken = {selector["matchLabels"][NAME]} if "matchLabels" in selector else set(known)
    for rule in selector.get("matchExpressions", []):
        taken &= set(rule["values"])
    return taken & known


def allowed(policies: list[Document], direction: str, known: set[str]) -> Edges:
    peers, end = ("from", "ingress") if direction == "Ingress" else ("to", "egress")
    edges: Edges = set()
    for policy in policies:
        own = names_in(policy["spec"]["podSelector"], known)
        for rule in policy["spec"].get(end, []):
            for peer, port in product(rule[peers], rule["ports"]):
                if set(peer) != {"podSelector"}:
                    continue  # DNS, and what lies outside of the cluster
                for mine, other in product(own, names_in(peer["podSelector"], known)):
                    pair = (other, mine) if direction == "Ingress" else (mine, other)
                    edges.add((*pair, port["port"]))
    return edges


def policies_of(documents: tuple[Document, ...]) -> list[Document]:
    return [each for each in documents if each["kind"] == "NetworkPolicy"]


def known_names() -> set[str]:
    return {name for edge in expected() for name in edge[:2]}


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
@pytest.mark.parametrize("name", OVERLAYS)
def test_who_may_reach_whom_is_who_calls_whom(name: str, direction: str) -> None:
    policies = policies_of(overlay(name))
    assert allowed(policies, direction, known_names()) == expected(name)


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_no_policy_allows_is_denied_both_ways(name: str) -> None:
    (nobody,) = (each["spec"] for each in policies_of(overlay(name)) if name_of(each) == "nobody")
    assert nobody == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_simulated_home_reaches_whom_it_calls_and_is_reached_by_the_gateway_alone() -> None:
    policies, known = policies_of(rendered(DEMO)), known_names() | {"twin"}
    out = {edge for edge in allowed(policies, "Egress", known) if edge[0] == "twin"}
    calls = {("twin", whom, PORTS.get(whom, OURS)) for whom in callees("twin").values()}
    assert out == calls | {("twin", "collector", 4317)}
    assert out <= allowed(policies, "Ingress", known)
    reached = {edge for edge in allowed(policies, "Ingress", known) if edge[1] == "twin"}
    assert reached == {("gateway", "twin", 5020)}


def test_the_operator_of_sites_reaches_whom_it_calls_and_nobody_reaches_it() -> None:
    policies = policies_of(overlay("production"))
    known = known_names() | {"siteoperator"}
    out = {edge for edge in allowed(policies, "Egress", known) if edge[0] == "siteoperator"}
    calls = {("siteoperator", whom, OURS) for whom in callees("siteoperator").values()}
    assert out == calls | {("siteoperator", "collector", 4317)}
    into = allowed(policies, "Ingress", known)
    assert out <= into
    assert not any(edge[1] == "siteoperator" for edge in into)


def environment(document: Document) -> dict[str, Any]:
    return {
        each["name"]: each.get("value")
        for container in containers(document)
        for each in container.get("env", [])
    }


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_part_is_told_where_those_are_that_it_calls(name: str) -> None:
    told = {name_of(each): environment(each) for each in workloads(overlay(name))}
    for part in PARTS:
        for setting, whom in callees(part).items():
            if setting.endswith("_target"):
                port = PORTS.get(whom, OURS)
                assert told[part][f"WATTMESH_{setting.upper()}"] == f"{whom}:{port}"


def test_compose_tells_every_part_the_same() -> None:
    for part in PARTS:
        service = compose()["services"][part]
        secrets = {each["target"] for each in service.get("secrets", [])}
        for setting, whom in callees(part).items():
            if setting.endswith("_target"):
                told = service["environment"][f"WATTMESH_{setting.upper()}"]
                assert told == f"{whom}:{PORTS.get(whom, OURS)}"
            else:
                assert f"wattmesh_{setting}" in secrets, f"{part} is not told {setting}"
