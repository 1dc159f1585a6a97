"""`python -m wattmesh_local.mqtt_broker --listen 127.0.0.1:1883 --state FILE`."""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from wattmesh_local.mqtt_broker.broker import DurableBroker


async def _serve(address: str, state_file: Path) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    async with DurableBroker(address, state_file) as broker:
        host = address.rpartition(":")[0]
        print(f"serving on {host}:{broker.port}", flush=True)
        await stopped.wait()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="The local MQTT broker.")
    parser.add_argument("--listen", default="127.0.0.1:1883", help="host:port; port 0: a free one")
    parser.add_argument("--state", type=Path, required=True, help="file of persistent sessions")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(_serve(options.listen, options.state))


if __name__ == "__main__":
    main()
