"""Each kind's device unplugged, silent or lying, on each protocol: what it costs, as JSON.

    python -m tests.faults [--only ev-ocpp,battery] [--faults unplugged,silent,lying]

Twelve devices, most of them the twin's, hang at one gateway on Modbus TCP, MQTT and OCPP 1.6, each
behind a line of its own. One after the other is unplugged (hung up on and refused), made silent
(its line swallows everything) or deaf (it acknowledges what it is told, and does not do it).
Then only that one may be lost, and a reason has to stand there; what it is told fails with a
reason; its neighbours on each protocol are heard and read back what they are told; and mended it
obeys again. What plans make of a device of which nothing is heard for a day:
tests/unit/planner/test_planner_silent_kinds.py. Exit status 1 when a cell is not so.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from tests.faults.house import Fault, House, house
from tests.faults.things import THINGS, Thing

_SHORT = timedelta(seconds=10)
"""For how long a broken device is told something: a gateway tries until that is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What one fault of one device came to; `wrong` None: as it should."""

    kind: str
    protocol: str
    fault: str
    lost_because: str
    command_failed_because: str
    wrong: str | None
    seconds: float


async def cell(there: House, thing: Thing, fault: Fault) -> Cell:
    """Break a device, look at it and at its neighbours, and mend it."""
    begun, because, failed, wrong = time.monotonic(), "", "", list[str]()
    await there.break_(thing.name, fault)
    try:
        if fault is not Fault.LYING:
            await there.only_lost(thing.name)
            because = (await there.world.lost()).get(thing.name, "")
            if not because:
                wrong.append("lost without a reason")
        obeyed, failed = await there.tell(thing, thing.else_told, _SHORT)
        if obeyed or not failed:
            wrong.append("what it was told is said to be done")
        for other in neighbours(thing):
            obeyed, why = await there.tell(other, other.told)
            if not obeyed:
                wrong.append(f"{other.name} did not do what it was told: {why}")
            if other.protocol != "ocpp":
                await there.heard(other.name)
        await there.only_lost(*([] if fault is Fault.LYING else [thing.name]))
    except TimeoutError:
        wrong.append(f"after {time.monotonic() - begun:.0f} s lost are {await there.world.lost()}")
    await there.mend(thing.name)
    try:
        await there.only_lost()
        obeyed, why = await there.tell(thing, thing.told)
        if not obeyed:
            wrong.append(f"mended it does not obey: {why}")
    except TimeoutError:
        wrong.append(f"mended, lost are {await there.world.lost()}")
    return Cell(
        kind=thing.kind,
        protocol=thing.protocol,
        fault=fault.value,
        lost_because=because,
        command_failed_because=failed,
        wrong="; ".join(wrong) or None,
        seconds=round(time.monotonic() - begun, 1),
    )


def neighbours(thing: Thing) -> list[Thing]:
    """Return one other device on each protocol; of the same one where there is another."""
    others = [each for each in THINGS if each is not thing]
    return [
        next(each for each in others if each.protocol == protocol)
        for protocol in ("modbus", "mqtt", "ocpp")
        if any(each.protocol == protocol for each in others)
    ]


async def matrix(things: Sequence[Thing], faults: Sequence[Fault]) -> list[Cell]:
    """Return what each came to."""
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder)) as there:
            found = []
            for thing in things:
                for fault in faults:
                    found.append(await cell(there, thing, fault))
                    said = found[-1].wrong or "as it should"
                    print(f"{thing.name} {fault.value}: {said}", file=sys.stderr, flush=True)
            return found


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="tests.faults")
    parser.add_argument("--only", default=",".join(each.name for each in THINGS))
    parser.add_argument("--faults", default=",".join(Fault))
    asked = parser.parse_args()
    things = [each for each in THINGS if each.name in asked.only.split(",")]
    found = asyncio.run(matrix(things, [Fault(each) for each in asked.faults.split(",")]))
    wrong = [each for each in found if each.wrong]
    json.dump(
        {"cells": [asdict(each) for each in found], "wrong": len(wrong)}, sys.stdout, indent=1
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
