"""The broker of a local mesh as `wattmesh up` starts it, and the devices that are let in at it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import pytest
from typer.testing import CliRunner

from tests.fakes.eventually import within
from tests.fakes.mqtt_hearing import hearing
from wattmesh_gateway.drivers.mqtt.broker import parse_broker
from wattmesh_local.cli import app
from wattmesh_local.mqtt_broker.accounts import GATEWAY, TWIN, Accounts, as_somebody
from wattmesh_local.options import MeshOptions
from wattmesh_local.running.processes import Addresses, ProcessPlan, RunFolders
from wattmesh_local.running.state import MeshState
from wattmesh_local.running.supervisor import Supervisor

REFUSED = 0x80


class Mesh:
    """A mesh of which the broker alone runs."""

    def __init__(self, folder: Path, plan: ProcessPlan, url: str) -> None:
        self.folder = folder
        self.url = url
        (self._gateway,) = plan.services(("gateway",), "system")
        (self._twin,) = plan.services(("twin",), "system")

    def gateway(self, identifier: str = "gateway") -> aiomqtt.Client:
        return client(self._gateway.environment["WATTMESH_MQTT_URL"], identifier, clean=False)

    def twin(self) -> aiomqtt.Client:
        return client(self._twin.environment["WATTMESH_MQTT_URL"], "twin")

    def allow(self, device: str, *arguments: str) -> str:
        """Let a device in by the command; return its URL."""
        done = self.command("allow", device, *arguments)
        return as_somebody(self.url, device, done.strip())

    def command(self, *arguments: str) -> str:
        environment = {"WATTMESH_STATE": str(self.folder)}
        done = CliRunner().invoke(app, ["broker", *arguments], env=environment)
        assert done.exit_code == 0, done.output
        return done.stdout


def client(url: str, identifier: str, *, clean: bool = True) -> aiomqtt.Client:
    where = parse_broker(url)
    return aiomqtt.Client(
        *(where.host, where.port),
        username=where.username,
        password=where.password,
        identifier=identifier,
        clean_session=clean,
        timeout=5,
    )


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    run = tmp_path / "run"
    options = MeshOptions(state_folder=tmp_path, data_folder=tmp_path)
    addresses = Addresses.choose(options, "postgresql://nowhere/db")
    folders = RunFolders(run=run, models=tmp_path / "models", spool=run)
    logins = Accounts(folders.accounts).open((GATEWAY, TWIN))
    plan = ProcessPlan(options, folders, addresses, logins)
    state = MeshState(tmp_path)
    state.write(
        {"pid": None, "mqtt_url": addresses.mqtt_url, "mqtt_accounts": str(folders.accounts)}
    )
    async with Supervisor(folders.logs, lambda _: None) as supervisor:
        await supervisor.start([plan.broker()])
        yield Mesh(tmp_path, plan, addresses.mqtt_url)


async def test_a_stranger_neither_says_what_a_meter_says_nor_hears_what_devices_are_told(
    mesh: Mesh,
) -> None:
    for url in (mesh.url, as_somebody(mesh.url, "gateway", "guessed")):
        with pytest.raises(aiomqtt.MqttError):
            async with client(url, "stranger"):
                pass


async def test_a_device_has_its_own_topics_at_once_and_no_others(mesh: Mesh) -> None:
    one, other = mesh.allow("meter-1"), mesh.allow("meter-2")
    async with (
        hearing(mesh.gateway(), "#") as heard,
        client(one, "one") as meter,
        client(other, "other") as stranger,
    ):
        for topic in ("devices/meter-1/telegram", "meters/home-1/telegram"):
            await stranger.publish(topic, "forged", qos=1)
        for topic in ("devices/meter-1/set", "rooms/home-3/tank/set", "#"):
            (answer,) = await stranger.subscribe(topic, qos=1)
            assert answer == REFUSED, topic
        await meter.publish("devices/meter-1/telegram", "own", qos=1)
        async with within(10):
            assert await heard.get() == "devices/meter-1/telegram own"


async def test_the_simulated_homes_are_heard_by_the_gateway(mesh: Mesh) -> None:
    async with (
        hearing(mesh.gateway(), "meters/#") as heard,
        mesh.twin() as twin,
    ):
        await twin.publish("meters/home-1/meter/telegram", "kWh", qos=1)
        async with within(10):
            assert await heard.get() == "meters/home-1/meter/telegram kWh"


async def test_a_device_whose_topics_are_its_makers_gets_those_too(mesh: Mesh) -> None:
    url = mesh.allow("charger", "--below", "go-eCharger/000000", "--below", "tele/plug/")
    async with (
        hearing(mesh.gateway(), "#") as heard,
        hearing(client(url, "charger"), "go-eCharger/000000/amp/set"),
        client(url, "charger-too") as charger,
    ):
        await charger.publish("go-eCharger/000001/nrg", "another's", qos=1)
        await charger.publish("go-eCharger/000000/nrg", "[230]", qos=1)
        await charger.publish("tele/plug/SENSOR", "{}", qos=1)
        async with within(10):
            assert await heard.get() == "go-eCharger/000000/nrg [230]"
            assert await heard.get() == "tele/plug/SENSOR {}"


async def test_who_is_let_in_no_more_says_and_hears_nothing_though_still_connected(
    mesh: Mesh,
) -> None:
    url, kept = mesh.allow("gone"), mesh.allow("stays")
    async with (
        hearing(mesh.gateway(), "devices/#") as said,
        hearing(client(url, "gone", clean=False), "commands/gone/#") as told,
        hearing(client(url, "gone-too"), "commands/gone/#") as told_too,
    ):
        assert mesh.command("list").split() == ["gone", "stays"]
        mesh.command("forget", "gone")
        with pytest.raises(aiomqtt.MqttError):
            async with client(url, "again"):
                pass
        # The connection of before is there still.
        async with mesh.gateway("another") as gateway, client(kept, "stays") as stays:
            await gateway.publish("commands/gone/set", "500", qos=1)
            await stays.publish("devices/stays/telegram", "1", qos=1)
            async with within(10):
                assert await said.get() == "devices/stays/telegram 1"
        assert told.empty()
        assert told_too.empty()


async def test_a_new_password_ends_the_old_one(mesh: Mesh) -> None:
    old = mesh.allow("meter-1")
    new = mesh.allow("meter-1", "--again")
    with pytest.raises(aiomqtt.MqttError):
        async with client(old, "meter"):
            pass
    async with client(new, "meter"):
        pass


async def test_a_device_is_checked_at_this_broker_by_an_account(mesh: Mesh) -> None:
    """Its URL is in the environment: a password on a command line is everybody's."""
    checker = mesh.allow("checker", "--below", "devices/meter-1")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wattmesh_gateway.conformance", "mqtt-grid-meter"),
        *("--address", "devices/meter-1/telegram", "--interval", "1", "--seconds", "2"),
        env={**os.environ, "WATTMESH_MQTT_URL": checker},
        stdout=asyncio.subprocess.PIPE,
    )
    printed = asyncio.create_task(process.communicate())
    async with client(mesh.allow("meter-1"), "meter") as meter:
        energy_wh = 1000.0
        while not printed.done():
            energy_wh += 0.1
            said: dict[str, object] = {
                "measure_time": datetime.now(UTC).isoformat(),
                "active_power_w": 1000.0,
            }
            said |= {"import_energy_wh": energy_wh, "export_energy_wh": 0.0}
            await meter.publish("devices/meter-1/telegram", json.dumps(said), qos=1)
            await asyncio.sleep(0.36)
    text = (await printed)[0].decode()
    assert process.returncode == 0, text
    assert "all in all: passed" in text
