"""A mesh for one's own devices: where it is found again, and what it keeps."""

import socket
from pathlib import Path

import pytest

from wattmesh_kernel.errors import Unavailable
from wattmesh_local.options import MeshOptions
from wattmesh_local.running.ports import FIRST_KNOWN_PORT, known_targets
from wattmesh_local.running.processes import Addresses, ProcessPlan, RunFolders

ROOT = Path(__file__).parents[3]


def live(folder: Path) -> ProcessPlan:
    options = MeshOptions(state_folder=folder, data_folder=folder / "none", live=True)
    folders = RunFolders(run=folder / "run", models=folder / "models", spool=folder / "live")
    return ProcessPlan(options, folders, Addresses.choose(options, "postgresql:///live"))


def test_it_needs_no_data_and_has_no_simulated_devices(tmp_path: Path) -> None:
    options = MeshOptions(state_folder=tmp_path, data_folder=tmp_path / "none", live=True)
    assert "twin" not in Addresses.choose(options, "postgresql:///live").processes


def test_it_is_found_where_it_was(tmp_path: Path) -> None:
    options = MeshOptions(state_folder=tmp_path, data_folder=tmp_path / "none", live=True)
    first, second = (Addresses.choose(options, "postgresql:///live") for _ in range(2))
    assert (first.mqtt_url, first.processes) == (second.mqtt_url, second.processes)
    assert first.web == second.web, "a page that is open finds it again"
    assert first.mqtt_url == f"mqtt://127.0.0.1:{FIRST_KNOWN_PORT}"


def test_a_port_that_somebody_has_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", FIRST_KNOWN_PORT + 1))
        other.listen()
        with pytest.raises(Unavailable, match=str(FIRST_KNOWN_PORT + 1)):
            known_targets(3)


def test_what_the_gateway_has_not_handed_on_outlives_a_run(tmp_path: Path) -> None:
    (gateway,) = live(tmp_path).services(("gateway",), "system")
    assert gateway.environment["WATTMESH_SPOOL_FILE"].startswith(str(tmp_path / "live"))


def test_what_is_said_of_ones_own_devices_reaches_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTMESH_OCPP_LISTEN_ADDRESS", "0.0.0.0:9000")
    monkeypatch.setenv("WATTMESH_PROFILE_FOLDER", "/profiles")
    (gateway,) = live(tmp_path).services(("gateway",), "system")
    assert gateway.environment["WATTMESH_OCPP_LISTEN_ADDRESS"] == "0.0.0.0:9000"
    assert gateway.environment["WATTMESH_PROFILE_FOLDER"] == "/profiles"


def test_the_dashboard_is_where_the_readme_says(tmp_path: Path) -> None:
    options = MeshOptions(state_folder=tmp_path, data_folder=tmp_path / "none", live=True)
    web = Addresses.choose(options, "postgresql:///live").web
    assert f"http://{web})" in (ROOT / "README.md").read_text()
