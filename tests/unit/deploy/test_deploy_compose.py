"""The composition: locked containers, checked health, order, and no secret but in files."""

import pytest

from tests.fakes.deployments import PARTS, Document, compose, containers, overlay, workloads
from tools.bootstrap import ROOT
from tools.deployment_secrets import DATABASE_SERVICES, write

SERVICES: dict[str, Document] = compose()["services"]
MIGRATIONS = {f"{name}-migration" for name in DATABASE_SERVICES}
WITHOUT_HEALTH = MIGRATIONS | {"collector", "traces"}
"""Those that end, and images that have nothing to ask with."""


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service["user"].startswith(("0", "root"))
    assert service["image"].partition(":")[2] not in ("", "latest")


def test_every_container_that_stays_says_whether_it_is_well() -> None:
    silent = {
        name for name, service in SERVICES.items() if "test" not in service.get("healthcheck", {})
    }
    assert silent == WITHOUT_HEALTH


def test_a_part_starts_after_its_schema_is_there() -> None:
    for name in DATABASE_SERVICES:
        waits = SERVICES[name]["depends_on"][f"{name}-migration"]
        assert waits == {"condition": "service_completed_successfully"}
        assert SERVICES[f"{name}-migration"]["depends_on"] == {
            "database": {"condition": "service_healthy"}
        }


def test_only_what_people_and_devices_use_is_published_and_on_loopback_unless_said() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"broker", "dashboard", "prometheus", "grafana"}
    assert all(
        "127.0.0.1:" in port or ":-127.0.0.1}:" in port
        for ports in published.values()
        for port in ports
    )
    assert compose()["networks"]["mesh"] == {"internal": True}


def test_every_secret_is_a_file_that_the_tool_makes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    write(folder)
    made = {file.name for file in folder.iterdir()}
    asked = {
        secret if isinstance(secret, str) else secret["source"]
        for service in SERVICES.values()
        for secret in service.get("secrets", [])
    }
    declared = compose()["secrets"]
    assert asked == declared.keys()
    assert all(each["file"] == f"./secrets/{name}" for name, each in declared.items())
    assert asked <= made


def test_every_mounted_file_is_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / "deploy" / source).exists(), volume
            else:
                assert source in compose()["volumes"], volume


def test_containers_run_the_versions_that_the_cluster_runs() -> None:
    clustered = {
        each["image"]
        for name in ("staging", "production")
        for work in workloads(overlay(name))
        for each in containers(work)
    }
    used = {
        service["image"].replace("${WATTMESH_VERSION:-0.1.0}", "0.1.0")
        for service in SERVICES.values()
    }
    assert used == clustered - {"wattmesh/siteoperator:0.1.0"}, "it is Kubernetes' alone"
    assert {f"wattmesh/{part}:0.1.0" for part in PARTS} <= used
