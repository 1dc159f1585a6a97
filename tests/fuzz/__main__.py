"""Fuzzes services with what hypothesis makes of their descriptors; prints JSON for each.

    make fuzz ARGUMENTS="optimizer control --calls 20000 --number 1"

A service runs in a process of its own, with its peers faked and a database of its own. The exit
status is 1 when one answered INTERNAL or UNKNOWN, logged more than 1 kB for a call, or grew by more
than 50 MB after its first tenth of the calls. The same number makes the same calls. `--keep FOLDER`
writes what made a fault.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tests.fuzz.calling import Answered
from tests.fuzz.contents import Contents
from tests.fuzz.fuzz import Fuzz
from tests.fuzz.methods import Method
from tests.fuzz.serving import Served, served_apart
from tests.fuzz.tally import MOST_LOG_BYTES, MOST_RSS_GROWTH_MB
from tests.fuzz.targets import TARGETS, open_world
from tests.fuzz.world import World
from wattmesh_local.postgres import EmbeddedPostgres

_WARM_RATIO = 0.1
"""The part of the calls after which memory counts as that of a service at work."""


def main() -> int:
    """Fuzz and print; return the exit status."""
    options = _options()
    reports = dict[str, Any]()
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-") as folder,
        EmbeddedPostgres(Path(folder, "postgres"), durable=False, keep=False) as server,
    ):
        for name in options.services or TARGETS:
            own = Path(folder, name)
            own.mkdir()
            url = server.create_database(f"fuzz_{name}")
            reports[name] = _fuzz(name, url, own, options)
    print(json.dumps(reports, indent=2, ensure_ascii=False))
    return 0 if all(each["sound"] for each in reports.values()) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", nargs="*", choices=[[], *TARGETS], metavar="service")
    parser.add_argument("--calls", type=int, default=20_000, help="for each service")
    parser.add_argument("--number", type=int, default=1, help="another makes other calls")
    parser.add_argument("--keep", type=Path, help="folder for what made a fault")
    return parser.parse_args()


def _fuzz(name: str, url: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    began, memory = time.monotonic(), dict[str, float]()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        world, served = runner.run(_start(name, url, folder, stack))
        try:
            keep = partial(_keep, options.keep) if options.keep else None
            fuzz = Fuzz(runner, world, served, number=options.number, keep_fault=keep)
            memory["start"] = served.rss_mb()
            for tally in fuzz.turns(options.calls):
                done = tally.calls.total()
                if "warm" not in memory and done >= _WARM_RATIO * options.calls:
                    memory["warm"] = served.rss_mb()
                _say(f"{name}: {done} calls, {served.rss_mb():.0f} MB, {len(tally.faults)} faults")
            memory["end"] = served.rss_mb()
        finally:
            runner.run(stack.aclose())
    return _report(fuzz, memory, time.monotonic() - began)


async def _start(name: str, url: str, folder: Path, stack: AsyncExitStack) -> tuple[World, Served]:
    world = await stack.enter_async_context(open_world(name, url, folder))
    await world.before_start()
    served = await stack.enter_async_context(served_apart(world, folder / f"{name}.log"))
    return world, served


def _report(fuzz: Fuzz, memory: dict[str, float], seconds: float) -> dict[str, Any]:
    tally, growth = fuzz.tally.report(), memory["end"] - memory["warm"]
    sound = (
        not tally["internal"]
        and not tally["unknown"]
        and tally["max_log_bytes_per_call"] <= MOST_LOG_BYTES
        and growth < MOST_RSS_GROWTH_MB
    )
    return {
        "sound": sound,
        **tally,
        "rss_mb": {key: round(value, 1) for key, value in memory.items()},
        "rss_growth_mb": round(growth, 1),
        "seconds": round(seconds, 1),
    }


def _keep(folder: Path, method: Method, content: Contents, answered: Answered) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = method.path[1:].replace("/", ".")
    number = len(list(folder.glob(f"{name}-*.txt")))
    said = [f"{answered.code} {answered.message}"]
    for place, each in enumerate(content):
        (folder / f"{name}-{number}-{place}.bin").write_bytes(each)
        try:
            said.append(str(method.request.FromString(each)))
        except Exception as error:  # no message at all: the bytes are beside it
            said.append(repr(error))
    (folder / f"{name}-{number}.txt").write_text("\n---\n".join(said))


def _say(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
