"""`python -m wattmesh_local.mqtt_broker --listen 127.0.0.1:1883 --state FILE`.

With `--passwords FILE --acl FILE …`, all as Mosquitto has them, nobody is let in without a name;
what is changed in them counts without a restart.
"""

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

from wattmesh_local.mqtt_broker.broker import DurableBroker
from wattmesh_local.mqtt_broker.doors import AccessLists, Doors, PasswordFile


async def _serve(address: str, state_file: Path, doors: Doors | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    async with DurableBroker(address, state_file, doors) as broker:
        host = address.rpartition(":")[0]
        print(f"serving on {host}:{broker.port}", flush=True)
        await stopped.wait()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="The local MQTT broker.")
    parser.add_argument("--listen", default="127.0.0.1:1883", help="host:port; port 0: a free one")
    parser.add_argument("--state", type=Path, required=True, help="file of persistent sessions")
    parser.add_argument("--passwords", type=Path, help="who is let in, as mosquitto_passwd writes")
    parser.add_argument(
        "--acl", type=Path, action="append", help="what each name may do, as Mosquitto has it"
    )
    options = parser.parse_args()
    if (options.passwords is None) != (options.acl is None):
        parser.error("--passwords and --acl go together")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(_serve(options.listen, options.state, _doors(options.passwords, options.acl)))


def _doors(passwords: Path | None, acl: Sequence[Path] | None) -> Doors | None:
    if passwords is None or acl is None:
        return None
    for each in (passwords, *acl):
        each.read_bytes()  # one that is not there at the start is a mistake
    return Doors(passwords=PasswordFile(passwords), rights=AccessLists(*acl))


if __name__ == "__main__":
    main()
