"""A real Mosquitto with the configuration and the secrets of the deployment, as JSON.

    python -m tests.peer.mosquitto

Needs the programme `mosquitto` (Debian has it as a package). Each line says who tried what and
whether it was let. Exit status 1 when one was let who may not be, or not who may.
"""

import asyncio
import json
import os
import shutil
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt

from tests.fakes.eventually import eventually
from tools.bootstrap import ROOT
from tools.deployment_secrets import let_in, write
from wattmesh_local.running.health import connects
from wattmesh_local.running.ports import free_targets
from wattmesh_runtime.aio.processes import start_process

HEARD_SECONDS = 5.0
"""How long what was allowed may take [s]."""


class Broker:
    """A running Mosquitto, and those who try their luck with it."""

    def __init__(self, secrets: Path, strangers: Path, tls: int, plain: int) -> None:
        self.secrets = secrets
        self.strangers = strangers
        """Secrets of another deployment."""
        self.tls = tls
        self.plain = plain

    def client(
        self, user: str | None, password: str | None = None, *, authority: Path | None = None
    ) -> aiomqtt.Client:
        """Return a client on TLS, with its own password unless another is given."""
        own = "device_{}_mqtt_password" if user not in ("gateway", None) else "{}_mqtt_password"
        if user is not None and password is None:
            password = (self.secrets / own.format(user)).read_text()
        trusted = ssl.create_default_context(cafile=(authority or self.secrets) / "mqtt_authority")
        return aiomqtt.Client(
            "127.0.0.1", self.tls, username=user, password=password, tls_context=trusted
        )

    async def gets_in(self, client: aiomqtt.Client) -> bool:
        """Whether it is let in at all."""
        try:
            async with client:
                return True
        except (aiomqtt.MqttError, ssl.SSLError, OSError):
            return False

    async def is_heard(self, user: str, topic: str) -> bool:
        """Whether what a name says on a topic reaches the gateway."""
        return await self._passes(self.client(user), self.client("gateway"), topic)

    async def hears(self, user: str, topic: str) -> bool:
        """Whether a name hears what the gateway says on a topic."""
        return await self._passes(self.client("gateway"), self.client(user), topic)

    async def _passes(self, speaker: aiomqtt.Client, listener: aiomqtt.Client, topic: str) -> bool:
        """A word that is surely allowed follows, so that silence need not be waited for."""
        last = "devices/meter-1/last" if topic.startswith("devices/") else "commands/meter-1/last"
        sure = self.client("meter-1" if last.startswith("devices") else "gateway")
        async with asyncio.timeout(4 * HEARD_SECONDS), listener, speaker, sure:
            await listener.subscribe([(topic, 1), (last, 1)])
            await speaker.publish(topic, b"word", qos=1)
            for _ in range(int(HEARD_SECONDS)):
                await sure.publish(last, b"last", qos=1)
                async for message in listener.messages:
                    if message.payload == b"word":
                        return True
                    break
            return False


@asynccontextmanager
async def running(program: str, folder: Path) -> AsyncIterator[Broker]:
    """Run the broker of the deployment on free ports."""
    secrets, strangers, data = folder / "secrets", folder / "strangers", folder / "data"
    write(secrets)
    write(strangers)
    for device in ("meter-1", "meter-2"):
        let_in(secrets, device)
    data.mkdir()
    plain, tls = (int(each.rpartition(":")[2]) for each in free_targets(2))
    text = (ROOT / "deploy/mosquitto/with-tls.conf").read_text()
    for theirs, ours in (
        ("/run/secrets", str(secrets)),
        ("/mosquitto/config", str(ROOT / "deploy/mosquitto")),
        ("/mosquitto/data", str(data)),
        ("listener 1883", f"listener {plain} 127.0.0.1"),
        ("listener 8883", f"listener {tls} 127.0.0.1"),
    ):
        text = text.replace(theirs, ours)
    if os.geteuid() == 0:
        text += "user root\n"
    configuration = folder / "mosquitto.conf"
    configuration.write_text(text)
    process = await start_process(program, "-c", str(configuration))
    try:
        await eventually(lambda: connects(f"127.0.0.1:{tls}"), 20)
        yield Broker(secrets, strangers, tls, plain)
    finally:
        process.terminate()
        await process.wait()


async def tried(broker: Broker) -> dict[str, tuple[bool, bool]]:
    """Return who tried what: whether it may be, and whether it was."""
    own = broker.client
    return {
        "a device with its password": (True, await broker.gets_in(own("meter-1"))),
        "nobody": (False, await broker.gets_in(own(None))),
        "a wrong password": (False, await broker.gets_in(own("meter-1", "guessed"))),
        "another's password": (False, await broker.gets_in(own("gateway", _of(broker)))),
        "a device that trusts another authority": (
            False,
            await broker.gets_in(own("meter-1", authority=broker.strangers)),
        ),
        "plaintext at the port of TLS": (
            False,
            await broker.gets_in(
                aiomqtt.Client(
                    "127.0.0.1", broker.tls, username="meter-1", password=_of(broker), timeout=3
                )
            ),
        ),
        "a device below its name": (True, await broker.is_heard("meter-1", "devices/meter-1/w")),
        "a device below another's": (False, await broker.is_heard("meter-2", "devices/meter-1/w")),
        "a device hears below its name": (
            True,
            await broker.hears("meter-1", "devices/meter-1/set"),
        ),
        "a device hears its commands": (True, await broker.hears("meter-1", "commands/meter-1/w")),
        "a device hears another's": (False, await broker.hears("meter-1", "commands/meter-2/w")),
    }


def _of(broker: Broker) -> str:
    return (broker.secrets / "device_meter-1_mqtt_password").read_text()


def main() -> int:
    """Try everything and print it."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        print("there is no `mosquitto` on this machine", file=sys.stderr)
        return 2

    async def run() -> dict[str, tuple[bool, bool]]:
        with tempfile.TemporaryDirectory() as folder:
            async with running(program, Path(folder)) as broker:
                return await tried(broker)

    report = asyncio.run(run())
    wrong = [words for words, (may, was) in report.items() if may is not was]
    shown = {words: "let" if was else "refused" for words, (_, was) in report.items()}
    print(json.dumps({"tried": shown, "wrong": wrong}, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
