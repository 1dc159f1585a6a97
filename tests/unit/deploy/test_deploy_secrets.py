"""Secrets of a deployment: random, made once, and one for each who reads it."""

import hashlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tests.fakes.deployments import OVERLAYS, overlay, pod, rendered, workloads
from tools.bootstrap import ROOT
from tools.deployment_secrets import let_in, manifests, write


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
    made = {each["metadata"]["name"]: set(each["stringData"]) for each in document["items"]}
    documents = rendered("components/demo-site/twin") if name == "demo" else overlay(name)
    mounted = [
        volume["secret"]
        for each in workloads(documents)
        for volume in pod(each).get("volumes", [])
        if "secret" in volume
    ]
    assert mounted
    for secret in mounted:
        keys = {each["key"] for each in secret.get("items", [])}
        assert keys <= made[secret["secretName"]]


def test_a_service_knows_its_own_database_role_and_no_other(tmp_path: Path) -> None:
    write(tmp_path)
    document: Any = manifests(tmp_path)
    held = {each["metadata"]["name"]: each["stringData"] for each in document["items"]}
    url = held["planner-secrets"]["wattmesh_database_url"]
    assert url.startswith("postgresql://planner:")
    assert held["planner-secrets"].keys() == {"wattmesh_database_url"}
    assert held["migration-secrets"]["wattmesh_database_url"].startswith("postgresql://wattmesh:")


def test_devices_that_trust_the_brokers_authority_trust_the_broker_and_no_other(
    tmp_path: Path,
) -> None:
    write(tmp_path / "ours", ["mqtt.example", "10.0.0.7"])
    write(tmp_path / "others")
    shown, ours, others = (
        x509.load_pem_x509_certificate((tmp_path / name).read_bytes())
        for name in ("ours/broker_certificate", "ours/mqtt_authority", "others/mqtt_authority")
    )
    shown.verify_directly_issued_by(ours)
    with pytest.raises(InvalidSignature):
        shown.verify_directly_issued_by(others)
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker", "localhost", "mqtt.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == [
        "127.0.0.1",
        "10.0.0.7",
    ]
    assert (tmp_path / "ours/mqtt_authority_key").stat().st_mode & 0o077 == 0
    with pytest.raises(ValueError, match="no name of a machine"):
        write(tmp_path / "odd", ["x,DNS:bank.example"])


def test_a_device_gets_a_password_of_its_own_once(tmp_path: Path) -> None:
    write(tmp_path)
    file = let_in(tmp_path, "meter-1")
    password = file.read_text()
    known = (tmp_path / "mosquitto_passwords").read_text()
    assert let_in(tmp_path, "meter-1").read_text() == password
    assert (tmp_path / "mosquitto_passwords").read_text() == known
    assert [line.partition(":")[0] for line in known.splitlines()] == ["gateway", "twin", "meter-1"]


@pytest.mark.parametrize("name", ["+", "#", "a/b", "gateway", "twin", "", "a:b", "a b"])
def test_no_device_is_called_what_would_be_heard_as_another_or_as_all(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "mosquitto_passwords").write_text("")
    with pytest.raises(ValueError, match="cannot be a device's name"):
        let_in(tmp_path, name)
    assert (tmp_path / "mosquitto_passwords").read_text() == ""


@pytest.mark.parametrize("name", OVERLAYS)
def test_where_identities_are_certificates_no_broker_of_ours_is_spoken_to_in_plaintext(
    name: str,
) -> None:
    parts = {each["metadata"]["name"]: each for each in workloads(overlay(name))}
    (service,) = pod(parts["gateway"])["containers"]
    told = {each["name"]: each.get("value") for each in service["env"]}
    if "WATTMESH_TLS_KEY_FILE" not in told or "broker" not in parts:
        return
    volumes = {each["name"]: each for each in pod(parts["gateway"])["volumes"]}
    files = {each["path"]: each["key"] for each in volumes["secrets"]["secret"]["items"]}
    assert files["wattmesh_mqtt_url"] == "wattmesh_mqtts_url"
    assert told["WATTMESH_MQTT_CA_FILE"] == f"{told['WATTMESH_SECRETS_FOLDER']}/mqtt_authority"
    (broker,) = pod(parts["broker"])["containers"]
    assert broker["command"][-1] == "/mosquitto/config/tls.conf"
    assert [each["containerPort"] for each in broker["ports"]] == [8883]


def lines(name: str) -> set[str]:
    text = (ROOT / "deploy/mosquitto" / name).read_text()
    return {line for line in text.splitlines() if not line.startswith("#")}


def test_the_broker_with_tls_alone_is_otherwise_the_same() -> None:
    assert lines("with-tls.conf") - lines("tls.conf") == {"listener 1883"}
    assert lines("tls.conf") <= lines("with-tls.conf")


def test_the_broker_with_tls_is_otherwise_the_same() -> None:
    added = lines("with-tls.conf") - lines("mosquitto.conf")
    assert lines("mosquitto.conf") <= lines("with-tls.conf")
    assert {line.partition(" ")[0] for line in added} == {
        *("listener", "certfile", "keyfile", "tls_version")
    }
