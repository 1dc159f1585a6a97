"""The local broker under the passwords and the access list of a deployment."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.fakes.eventually import within
from tests.fakes.mqtt_hearing import hearing
from tools.deployment_secrets import let_in, write
from wattmesh_local.mqtt_broker import DurableBroker
from wattmesh_local.mqtt_broker.doors import Doors, PasswordFile
from wattmesh_local.mqtt_broker.rights import Rights

ROOT = Path(__file__).parents[3]
ACL = ROOT / "deploy" / "mosquitto" / "acl"
REFUSED = 0x80


class Door:
    """A broker as it is deployed, and the secrets of those who come."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port

    def as_(self, name: str, identifier: str | None = None, **words: Any) -> aiomqtt.Client:
        device = self._folder / f"device_{name}_mqtt_password"
        file = device if device.exists() else self._folder / f"{name}_mqtt_password"
        return self.client(name, file.read_text(), identifier or f"client-of-{name}", **words)

    def client(
        self, name: str | None, password: str | None, identifier: str, **words: Any
    ) -> aiomqtt.Client:
        return aiomqtt.Client(
            *("127.0.0.1", self._port),
            username=name,
            password=password,
            identifier=identifier,
            timeout=5,
            **words,
        )


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broker") / "secrets"
    write(folder)
    for device in ("meter-1", "meter-2"):
        let_in(folder, device)
    return folder


@pytest.fixture
async def door(tmp_path: Path, secrets: Path) -> AsyncIterator[Door]:
    doors = Doors(
        passwords=PasswordFile(secrets / "mosquitto_passwords"),
        rights=Rights.parse(ACL.read_text()),
    )
    async with DurableBroker("127.0.0.1:0", tmp_path / "state", doors) as broker:
        yield Door(secrets, broker.port)


@pytest.mark.parametrize(
    ("name", "password"),
    [(None, None), ("gateway", None), ("gateway", "guessed"), ("nobody", "guessed"), ("", "")],
)
async def test_nobody_comes_in_without_a_name_and_its_password(
    door: Door, name: str | None, password: str | None
) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with door.client(name, password, "somebody"):
            pass


async def test_a_device_is_heard_below_its_own_name_and_nowhere_else(door: Door) -> None:
    """Nobody discharges a battery, or counts energy, under another's name."""
    gateway = door.as_("gateway", clean_session=False)
    async with hearing(gateway, "#") as heard, door.as_("meter-1") as meter:
        for topic in ("devices/meter-2/telegram", "meters/home-1/telegram", "commands/meter-2/set"):
            await meter.publish(topic, "forged", qos=1)
            await meter.publish(topic, "forged", qos=0)
        await meter.publish("devices/meter-1/telegram", "own", qos=1)
        async with within(10):
            assert await heard.get() == "devices/meter-1/telegram own"
    assert heard.empty()


async def test_a_device_hears_what_is_said_to_it_and_not_what_others_are_told(door: Door) -> None:
    async with hearing(door.as_("meter-1"), "commands/meter-1/#") as heard:
        async with door.as_("meter-2") as other:
            for topic in ("#", "+/meter-1/#", "commands/+/set", "devices/meter-1/telegram"):
                (answer,) = await other.subscribe(topic, qos=1)
                assert answer == REFUSED, topic
            assert await other.subscribe("devices/meter-2/set", qos=1) != (REFUSED,)
        async with door.as_("gateway") as gateway:
            await gateway.publish("commands/meter-2/set", "0", qos=1)
            await gateway.publish("commands/meter-1/set", "500", qos=1)
        async with within(10):
            assert await heard.get() == "commands/meter-1/set 500"


async def test_nobody_takes_the_gateways_session_over_by_its_identifier(door: Door) -> None:
    """What waits there is every meter's of the house."""
    gateway = door.as_("gateway", "wattmesh-local", clean_session=False)
    async with hearing(gateway, "devices/#"):
        pass
    async with door.as_("meter-1") as meter:
        await meter.publish("devices/meter-1/telegram", "at home", qos=1)
    with pytest.raises(aiomqtt.MqttError):
        async with door.as_("meter-2", "wattmesh-local", clean_session=False):
            pass
    again = door.as_("gateway", "wattmesh-local", clean_session=False)
    async with hearing(again, "devices/#") as heard, within(10):
        assert await heard.get() == "devices/meter-1/telegram at home"


async def test_a_last_will_is_a_word_as_any_other(door: Door) -> None:
    will = aiomqtt.Will("devices/meter-2/telegram", "forged", qos=1)
    with pytest.raises(aiomqtt.MqttError):
        async with door.as_("meter-1", will=will):
            pass


async def test_the_simulated_home_speaks_for_its_meters_and_its_rooms_are_told(door: Door) -> None:
    async with (
        hearing(door.as_("gateway"), "meters/#") as meters,
        hearing(door.as_("twin"), "rooms/home-3/tank/set") as orders,
        door.as_("twin", "a-meter") as meter,
        door.as_("gateway", "another") as gateway,
    ):
        await meter.publish("meters/home-1/telegram", "kWh", qos=1)
        await gateway.publish("rooms/home-3/tank/set", "55", qos=1)
        async with within(10):
            assert await meters.get() == "meters/home-1/telegram kWh"
            assert await orders.get() == "rooms/home-3/tank/set 55"


@pytest.mark.parametrize("clean", [True, False])
async def test_whoever_is_refused_has_touched_nothing_of_who_is_there(
    door: Door, clean: bool
) -> None:
    """By an identifier alone nobody ends a connection, empties a session, or lends it a name."""
    gateway = door.as_("gateway", "wattmesh-local", clean_session=False)
    async with hearing(gateway, "devices/#") as heard:
        for name, password in ((None, None), ("twin", "guessed")):
            with pytest.raises(aiomqtt.MqttError):
                async with door.client(name, password, "wattmesh-local", clean_session=clean):
                    pass
        async with door.as_("meter-1") as meter:
            await meter.publish("devices/meter-1/telegram", "still heard", qos=1)
        async with within(10):
            assert await heard.get() == "devices/meter-1/telegram still heard"
        await gateway.publish("commands/meter-1/set", "500", qos=1)


async def test_nobody_says_as_another_what_they_may_not_say_by_asking_twice(door: Door) -> None:
    """A second connection that is refused does not make the first one the gateway's."""
    async with (
        hearing(door.as_("gateway"), "#") as heard,
        door.as_("meter-1", "mine", clean_session=False) as meter,
    ):
        await meter.subscribe("devices/meter-1/set", qos=1)
        with pytest.raises(aiomqtt.MqttError):
            async with door.client("gateway", "guessed", "mine", clean_session=False):
                pass
        await meter.publish("commands/meter-2/set", "forged", qos=1)
        await meter.publish("devices/meter-1/telegram", "own", qos=1)
        async with within(10):
            assert await heard.get() == "devices/meter-1/telegram own"


async def test_who_is_refused_is_logged_once_in_a_while_and_never_a_password(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        for name, password in ((None, None), ("meter-9", "its-secret")):
            with pytest.raises(aiomqtt.MqttError):
                async with door.client(name, password, "a-meter"):
                    pass
    said = [each.getMessage() for each in caplog.records if "refused" in each.getMessage()]
    assert len(said) == 2, said
    assert all("a-meter" in each and "wattmesh broker allow NAME" in each for each in said)
    assert "it has no name" in said[0]
    assert "meter-9" in said[1]
    assert "its-secret" not in caplog.text
    assert "not let in" not in caplog.text
