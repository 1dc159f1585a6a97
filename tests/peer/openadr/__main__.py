"""Our VTN against two clients that are not ours, toadr3 and openadr3 from PyPI, as JSON.

    python -m tests.peer.openadr [FOLDER]

toadr3 speaks OpenADR 3.0, openadr3 3.1; both run unmodified in processes of their own. openadr3
calls 1,000 events one after the other. With a FOLDER that has the examples of OpenADR's user guide
(`*_examples.json`), each of its events is read as well. Exit status 1 when something is not so.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.fakes.demandresponse_world import HOUR, NOW, P, demandresponse_world
from tests.fakes.openadr_vtn import BUSINESS, VEN, ServedVtn, secret, served_vtn
from wattmesh.demandresponse.v1 import programme_pb2
from wattmesh_demandresponse.domain.openadr_events import event_from_json
from wattmesh_demandresponse.domain.openadr_time import time_to_text
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.programme_ids import EventId, ProgrammeId
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.database import Database

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / ".tools"
HERE = Path(__file__).parent
HOSTS = ("127.0.0.1",)
SUBSCRIPTION = {
    "clientName": VEN,
    "programID": P.rpartition("/")[2],
    "objectOperations": [
        {"objects": ["EVENT"], "operations": ["CREATE"], "callbackUrl": "http://127.0.0.1:9/"}
    ],
}
PACKAGES = ("toadr3==0.29.0", "openadr3==0.5.0")


def peers() -> Path:
    """Return the folder of the clients."""
    folder = TOOLS / "openadr-peers"
    if not folder.exists():
        uv = next(TOOLS.glob("uv/bin/uv"))
        subprocess.run([uv, "pip", "install", "--quiet", "--target", folder, *PACKAGES], check=True)
    return folder


async def run(script: str, *arguments: str) -> dict[str, Any]:
    """Return what a client prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / script), *arguments),
        env={**os.environ, "PYTHONPATH": str(peers())},
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate()
    found: dict[str, Any] = json.loads(output) if process.returncode == 0 else {"failed": script}
    return found


async def meet(database_url: str) -> dict[str, Any]:
    """Have both clients meet the VTN."""
    async with (
        demandresponse_world(database_url) as world,
        Database(database_url, "demandresponse") as database,
    ):
        await world.programme(
            kind=programme_pb2.EVENT_KIND_LIMIT, display_name="street", notice_duration=None
        )
        await world.enrol(external_id=VEN)
        start = time_to_text(NOW + 5 * HOUR)
        async with (
            served_vtn(world, database, hosts=HOSTS) as vtn,
            BackgroundTasks() as tasks,
        ):
            await vtn.calls.tell_events()
            tasks.start(calling_back(vtn))
            secrets = (BUSINESS, secret(BUSINESS), VEN, secret(VEN))
            newer = await run("openadr3_client.py", vtn.url, *secrets, start)
            kept = len(await world.records.open_events())
            few = {
                "programID": P.rpartition("/")[2],
                "eventName": "for-me",
                "targets": [VEN],
                "intervalPeriod": {"start": start, "duration": "PT1H"},
                "intervals": [
                    {"id": 0, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [4.2]}]}
                ],
            }
            await vtn.call("POST", "/events", few)
            await vtn.call("POST", "/subscriptions", SUBSCRIPTION, as_client=VEN)
        async with served_vtn(world, database, "3.0.1", HOSTS) as vtn:
            older = await run("toadr3_client.py", vtn.url, VEN, secret(VEN))
    return {"openadr3": newer, "kept": kept, "toadr3": older}


async def calling_back(vtn: ServedVtn) -> None:
    """Call subscribers back, as the service does by itself."""
    while True:
        for each in vtn.calls.turns():
            await each.work()
        await asyncio.sleep(0.5)


def examples(folder: Path) -> dict[str, int]:
    """Return how many of the user guide's events are read, and how many refused."""
    read = refused = 0
    for path in sorted(folder.glob("*_examples.json")):
        for each in json.loads(path.read_text()):
            document = each["object"]
            if "intervals" not in document or "programID" not in document:
                continue
            try:
                event_from_json(document, EventId(ProgrammeId("p"), "e"), NOW)
                read += 1
            except InvalidArgument:
                refused += 1
    return {"read": read, "refused": refused}


EXPECTED_NEWER = {
    "registered": 201,
    "registered_again": 409,
    "found": True,
    "resource": 201,
    "program": True,
    "seen": "storm-0",
    "changed": [200, 1],
    "forbidden": 403,
    "nobody": 404,
    "storm_statuses": [201],
    "listed": 1000,
    "deleted": [200, 404],
    "subscribed": True,
    "told": [1000, 1],
    "told_of": True,
    "report": 201,
}


def sound(found: dict[str, Any]) -> bool:
    """Whether everything is as it has to be."""
    newer, older = found["openadr3"], found["toadr3"]
    return (
        all(newer.get(name) == value for name, value in EXPECTED_NEWER.items())
        and found["kept"] == 999
        and older.get("programs") == ["street"]
        and older.get("targeted") == ["for-me"]
        and older.get("values") == [[4.2]]
        and older.get("report") is True
        and older.get("subscribed") == [["POST"]]
        and older.get("missing", "?") is None
    )


async def main() -> int:
    """Print what came of it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "postgres"), durable=False, keep=False) as server,
    ):
        found = await meet(server.create_database("peers"))
    if len(sys.argv) > 1:
        found["user_guide"] = examples(Path(sys.argv[1]))
    print(json.dumps(found, indent=1))
    return 0 if sound(found) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
