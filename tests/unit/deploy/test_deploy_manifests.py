"""Manifests fit the schemas of the oldest, a middle and the newest Kubernetes that they are for."""

import kubernetes_validate
import pytest

from tests.fakes.deployments import OVERLAYS, overlay, rendered

VERSIONS = ("1.25", "1.31", "1.37")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_fits_the_schema_without_an_unknown_field(version: str) -> None:
    checked: list[object] = []
    for folder in (*(f"overlays/{name}" for name in OVERLAYS), "restore"):
        for document in rendered(folder):
            if document not in checked:
                kubernetes_validate.validate(document, version, strict=True)
                checked.append(document)
    assert len(checked) > 100


@pytest.mark.parametrize("name", OVERLAYS)
def test_nothing_of_an_overlay_is_outside_of_its_namespace(name: str) -> None:
    cluster_wide = {"Namespace", "CustomResourceDefinition"}
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


def test_a_restore_uses_the_volumes_and_the_version_of_the_database_that_it_brings_back() -> None:
    staging = {(each["kind"], each["metadata"]["name"]): each for each in overlay("staging")}
    (job,) = (each for each in rendered("restore") if each["kind"] == "Job")
    claims = {
        f"{claim['metadata']['name']}-{name}-0"
        for name in ("database", "backup")
        for claim in staging["StatefulSet", name]["spec"]["volumeClaimTemplates"]
    }
    restoring = job["spec"]["template"]["spec"]
    used = [each.get("persistentVolumeClaim", {}).get("claimName") for each in restoring["volumes"]]
    assert {each for each in used if each} == claims
    database = staging["StatefulSet", "database"]["spec"]["template"]["spec"]
    assert restoring["containers"][0]["image"] == database["containers"][0]["image"]
