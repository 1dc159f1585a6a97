"""Secrets of a deployment: random, made once, and one for each who reads it."""

import hashlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.deployments import OVERLAYS, overlay, pod, rendered, workloads
from tools.deployment_secrets import manifests, write


def test_a_second_run_changes_nothing_and_another_folder_has_others(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write(first)
    before = {file.name: file.read_text() for file in first.iterdir()}
    write(first)
    write(second)
    assert {file.name: file.read_text() for file in first.iterdir()} == before
    assert all((second / name).read_text() != text for name, text in before.items())
    assert first.stat().st_mode & 0o077 == 0


def test_mosquitto_knows_the_password_that_the_gateway_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    password = (tmp_path / "gateway_mqtt_password").read_text()
    assert f":{password}@" in (tmp_path / "gateway_mqtt_url").read_text()
    lines = (tmp_path / "mosquitto_passwords").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith("gateway:"))
    _, kind, rounds, salt, digest = line.split("$")
    assert kind == "7"
    again = hashlib.pbkdf2_hmac("sha512", password.encode(), b64decode(salt), int(rounds))
    assert b64decode(digest) == again


@pytest.mark.parametrize("name", [*OVERLAYS, "demo"])
def test_every_secret_that_a_pod_mounts_is_made(name: str, tmp_path: Path) -> None:
    write(tmp_path)
    document: Any = manifests(tmp_path)
    made = {each["metadata"]["name"] for each in document["items"]}
    documents = rendered("components/demo-site/twin") if name == "demo" else overlay(name)
    mounted = {
        volume["secret"]["secretName"]
        for each in workloads(documents)
        for volume in pod(each).get("volumes", [])
        if "secret" in volume
    }
    assert mounted
    assert mounted <= made


def test_a_service_knows_its_own_database_role_and_no_other(tmp_path: Path) -> None:
    write(tmp_path)
    document: Any = manifests(tmp_path)
    held = {each["metadata"]["name"]: each["stringData"] for each in document["items"]}
    url = held["planner-secrets"]["wattmesh_database_url"]
    assert url.startswith("postgresql://planner:")
    assert held["planner-secrets"].keys() == {"wattmesh_database_url"}
    assert held["migration-secrets"]["wattmesh_database_url"].startswith("postgresql://wattmesh:")
