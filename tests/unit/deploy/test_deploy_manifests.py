"""Manifests fit the schemas of the oldest, a middle and the newest Kubernetes that they are for."""

import kubernetes_validate
import pytest

from tests.fakes.deployments import OVERLAYS, overlay, rendered

VERSIONS = ("1.25", "1.31", "1.37")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_fits_the_schema_without_an_unknown_field(version: str) -> None:
    checked: list[object] = []
    for name in OVERLAYS:
        for document in overlay(name):
            if document not in checked:
                kubernetes_validate.validate(document, version, strict=True)
                checked.append(document)
    assert len(checked) > 100


@pytest.mark.parametrize("name", OVERLAYS)
def test_nothing_of_an_overlay_is_outside_of_its_namespace(name: str) -> None:
    cluster_wide = {"Namespace"}
    lost = [
        (each["kind"], each["metadata"]["name"])
        for each in overlay(name)
        if each["kind"] not in cluster_wide and each["metadata"].get("namespace") != "wattmesh"
    ]
    assert lost == []


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_namespace_admits_restricted_pods_alone(name: str) -> None:
    (namespace,) = (each for each in overlay(name) if each["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_base_alone_serves_nobody_in_plaintext() -> None:
    """Without a component that says so, a part refuses to start: nothing is open by omission."""
    assert "WATTMESH_ALLOW_PLAINTEXT" not in str(rendered("base"))
    for name in ("staging", "production", "edge"):
        assert "WATTMESH_ALLOW_PLAINTEXT" not in str(overlay(name))
        assert "WATTMESH_TLS_CERTIFICATE_FILE" in str(overlay(name))
