"""Whatever readings go through, disturbed at random moments while they come: as JSON.

    python -m tests.kill_matrix [--kills 20] [--victims metering,gateway] [--seed 1]

`metering` and `database`: a sender streams batches as a gateway does; what was not acknowledged
comes again. `gateway`, `broker`, `disk`, `clock`: a meter publishes telegrams at QoS 1, and again
what the broker did not confirm. A victim is killed by SIGKILL so many times, half a second to two
seconds after readings flow again, and started anew; the disk of the gateway's spool is full for
three seconds (as root: it is mounted for this); gateway and metering are killed and go on with a
clock that stands up to a day elsewhere. At the end every acknowledged reading has to be there once
with its value, and the counts have to say as many. Recovery is from the kill until metering keeps
the next reading, and for what is in front of it one that was published after the victim was back;
of the disk it holds the three seconds [s]. Exit status 1 when anything is lost or there
twice.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import psycopg

from tests.fakes.metering_world import batch, point, requests
from tests.kill_matrix.by_gateway import Edge, Meter, edge_of
from tests.kill_matrix.mesh import START, Mesh, register, running
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc

ROWS = 40
POINTS = (point("meter", "import_energy_wh"), point("battery", "soc_ratio"))
_CALL_SECONDS = 30.0


VICTIMS = ("metering", "database", "gateway", "broker", "disk", "clock")
_SETTLED_SECONDS = 120.0


@dataclass(kw_only=True)
class Sender:
    """Streams batches until told to stop; sends again what was not acknowledged."""

    target: str
    acked: int = 0
    last: int = 0
    stopping: bool = False
    progress: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Send until stopped and all is acknowledged."""
        while not (self.stopping and self.acked >= self.last):
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError, TimeoutError):
                async with (
                    asyncio.timeout(_CALL_SECONDS),
                    grpc.aio.insecure_channel(self.target) as channel,
                ):
                    await self._stream(channel)
            await asyncio.sleep(0.05)

    async def _stream(self, channel: grpc.aio.Channel) -> None:
        stub = metering_pb2_grpc.MeteringServiceStub(channel)
        stream = stub.Ingest()
        async for hello in requests((), "kill-matrix"):
            await stream.write(hello)
        while not (self.stopping and self.acked >= self.last):
            sequence = self.acked + 1
            self.last = max(self.last, sequence)
            sent = batch(sequence, rows_of(sequence))
            await stream.write(metering_pb2.IngestRequest(batch=sent))
            answer = await stream.read()
            if not isinstance(answer, metering_pb2.IngestResponse):
                return
            assert not answer.rejected_total, answer
            self.acked = max(self.acked, answer.acked_sequence)
            self.progress.set()


def rows_of(sequence: int) -> list[tuple[str, datetime, float]]:
    """Return the readings of a batch: no two of all are alike."""
    first = (sequence - 1) * ROWS // 2
    return [
        (name, START + timedelta(seconds=step), step / 1e6)
        for step in range(first, first + ROWS // 2)
        for name in POINTS
    ]


async def killed(mesh: Mesh, victim: str, kills: int, chance: random.Random) -> dict[str, float]:
    """Kill one part again and again while readings come; return how long each took to recover."""
    sender = Sender(target=mesh.target)
    sending = asyncio.ensure_future(sender.run())
    recovered = []
    for _ in range(kills):
        await _acknowledged(sender, sending)
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        began = time.monotonic()
        await asyncio.to_thread(mesh.kill, victim)
        await _acknowledged(sender, sending)
        recovered.append(time.monotonic() - began)
    sender.stopping = True
    await sending
    wanted = {row for sequence in range(1, sender.acked + 1) for row in rows_of(sequence)}
    lost, twice = await asyncio.to_thread(_compare, mesh.url, wanted)
    return _report(kills, len(wanted), lost, twice, recovered)


async def _acknowledged(sender: Sender, sending: "asyncio.Task[None]") -> None:
    """Wait for the next acknowledgement, or raise what ended the sender."""
    sender.progress.clear()
    waiting = asyncio.ensure_future(sender.progress.wait())
    await asyncio.wait({waiting, sending}, return_when=asyncio.FIRST_COMPLETED)
    if sending.done():
        waiting.cancel()
        sending.result()


async def disturbed(edge: Edge, victim: str, kills: int, chance: random.Random) -> dict[str, float]:
    """The same for what is in front of metering, with a meter that publishes."""
    meter = Meter(target=edge.broker_target)
    publishing = asyncio.ensure_future(meter.run())
    recovered = []
    for _ in range(kills):
        await _kept(edge.mesh.url, 1, publishing)
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        began = time.monotonic()
        await asyncio.to_thread(edge.disturb, victim, chance)
        await _kept(edge.mesh.url, meter.most_published + 1, publishing)
        recovered.append(time.monotonic() - began)
    meter.stopping = True
    await publishing
    wanted = meter.rows()
    began = time.monotonic()
    while _stored(edge.mesh.url) < len(wanted) and time.monotonic() - began < _SETTLED_SECONDS:
        await asyncio.sleep(0.2)
    lost, twice = await asyncio.to_thread(_compare, edge.mesh.url, wanted)
    return _report(kills, len(wanted), lost, twice, recovered)


async def _kept(url: str, readings: int, publishing: "asyncio.Task[None]") -> None:
    """Wait until metering has kept so many, or raise what ended the publisher."""
    while await asyncio.to_thread(_stored, url) < readings:
        if publishing.done():
            publishing.result()
        await asyncio.sleep(0.02)


def _stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT coalesce(sum(stored), 0)::bigint FROM metering.sources"
        ).fetchone()
    return int(found[0]) if found else 0


def _report(
    kills: int, acknowledged: int, lost: int, twice: int, recovered: list[float]
) -> dict[str, float]:
    return {
        "kills": kills,
        "acknowledged": acknowledged,
        "lost": lost,
        "twice": twice,
        "recovery_p50_s": round(statistics.median(recovered), 2),
        "recovery_max_s": round(max(recovered), 2),
    }


def _compare(url: str, wanted: set[tuple[str, datetime, float]]) -> tuple[int, int]:
    """Return how many acknowledged readings are not there, and how many rows are too many."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT name, measure_time, value FROM metering.readings"
            " JOIN metering.points USING (point_key)"
        ).fetchall()
        past = connection.execute("SELECT FROM metering.superseded_readings").fetchall()
    counted = _stored(url)
    kept = set(found)
    # What was published but not confirmed may be there or not.
    places = {(name, moment) for name, moment, _ in wanted}
    foreign = sum((name, moment) in places for name, moment, _ in kept - wanted)
    extra = len(found) - len(kept) + foreign + len(past) + abs(counted - len(found))
    return len(wanted - kept), extra


async def _matrix(
    mesh: Mesh, folder: Path, victim: str, arguments: argparse.Namespace, chance: random.Random
) -> dict[str, float]:
    if victim in ("metering", "database"):
        return await killed(mesh, victim, arguments.kills, chance)
    with edge_of(mesh, folder, own_disk=victim == "disk") as edge:
        return await disturbed(edge, victim, arguments.kills, chance)


def main() -> None:
    """Kill, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--victims", default=",".join(VICTIMS))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report: dict[str, dict[str, float]] = {}
    for victim in arguments.victims.split(","):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, running(Path(folder)) as mesh:
            asyncio.run(register(mesh.target))
            chance = random.Random(arguments.seed)
            report[victim] = asyncio.run(_matrix(mesh, Path(folder), victim, arguments, chance))
            print(json.dumps({victim: report[victim]}), file=sys.stderr, flush=True)
    sound = all(each["lost"] == each["twice"] == 0 for each in report.values())
    print(json.dumps({"matrix": "kill", "sound": sound} | report))
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
