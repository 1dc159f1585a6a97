"""The twin as a process: killed, started again, ended."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from pymodbus.client import AsyncModbusTcpClient

from tests.fakes.eventually import within
from tests.fakes.twin_folders import citylearn_folder
from tests.fakes.twin_upstream import Upstream
from wattmesh_kernel.clock import ScaledClock, format_clock_spec
from wattmesh_local.mqtt_broker import DurableBroker

START = datetime(2016, 8, 11, 7, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
RATE = 1800.0
"""An order holds for a day at most: 48 s, in which the twin must be there again."""
WSET_ENA = 40000 + 2 + 68 + 155 + 52 + 22
"""Address of model 704's WSetEna behind marker, common model, 701 and 702."""


class TwinProcess:
    """A twin process and what it needs."""

    def __init__(self, folder: Path, data: Path, upstream: str, broker: int) -> None:
        self.ledger = folder / "ledger"
        clock = ScaledClock(START, datetime.now(UTC), RATE)
        self._environment = {
            "PATH": os.environ["PATH"],
            "WATTMESH_CLOCK": format_clock_spec(clock),
            "WATTMESH_DATA_FOLDER": str(data),
            "WATTMESH_LEDGER_FOLDER": str(self.ledger),
            "WATTMESH_METERING_TARGET": upstream,
            "WATTMESH_CARBON_TARGET": upstream,
            "WATTMESH_MQTT_URL": f"mqtt://127.0.0.1:{broker}",
            "WATTMESH_SHUTDOWN_NOTICE_SECONDS": "0",
        }

    @asynccontextmanager
    async def running(
        self, module: str = "wattmesh_twin"
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.ledger / name
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    async def published(self, count: int) -> None:
        """Wait until the broker has confirmed so many telegrams."""
        async with within(45):
            while len(self.lines("published.jsonl")) < count:
                await asyncio.sleep(0.05)

    def port(self, site: str) -> int:
        ports: dict[str, int] = json.loads((self.ledger / "ports.json").read_text())
        return ports[site]


@asynccontextmanager
async def twin_process(folder: Path) -> AsyncIterator[tuple[TwinProcess, Upstream]]:
    upstream = Upstream()
    data = citylearn_folder(folder / "data", days=30)
    async with (
        upstream.served() as target,
        DurableBroker("127.0.0.1:0", folder / "broker.sqlite") as broker,
    ):
        yield TwinProcess(folder, data, target, broker.port), upstream


async def set_battery_w(port: int, discharge_w: int, seconds: int) -> None:
    """Write WSetEna to WSetRvrtTms in one go."""
    async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
        power = [discharge_w >> 16 & 0xFFFF, discharge_w & 0xFFFF]
        words = [1, 1, *power, 0, 0, 0x8000, 0x8000, 0, seconds >> 16, seconds & 0xFFFF]
        answer = await client.write_registers(WSET_ENA, words, device_id=2)
        assert not answer.isError()


async def battery_setpoint(port: int) -> list[int]:
    """Read WSetEna to WSet."""
    async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
        answer = await client.read_holding_registers(WSET_ENA, count=4, device_id=2)
        return list(answer.registers)


async def test_a_killed_twin_goes_on_and_loses_no_telegram_and_no_order(tmp_path: Path) -> None:
    async with twin_process(tmp_path) as (twin, upstream):
        async with twin.running() as first:
            await twin.published(8)
            port = twin.port("sites/home-1")
            await set_battery_w(port, -1000, 86400)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        published = len(twin.lines("published.jsonl"))
        async with twin.running() as second:
            await twin.published(published + 1)
            assert twin.port("sites/home-1") == port
            assert await battery_setpoint(port) == [1, 1, 0xFFFF, 0x10000 - 1000]
            await twin.published(published + 32)
            second.send_signal(signal.SIGTERM)
            assert await second.wait() == 0
    for home in ("home-1", "home-2"):
        check_no_gap(twin, f"sites/{home}/devices/meter")
    check_battery(twin)
    assert len(upstream.sites.sites) == 2


def check_no_gap(twin: TwinProcess, device: str) -> None:
    sent = {
        line["sequence"]: line for line in twin.lines("published.jsonl") if line["device"] == device
    }
    assert sorted(sent) == list(range(1, len(sent) + 1))
    for sequence, line in sent.items():
        assert datetime.fromisoformat(line["measure_time"]) == START + sequence * QUARTER


def check_battery(twin: TwinProcess) -> None:
    """From the order on the battery charges 1 kW without a break, through the kill."""
    records = [line for line in twin.lines("battery.jsonl") if line["site"] == "sites/home-1"]
    running = [record for record in records if record["setpoint_w"] == 1000]
    assert len(running) > 5
    for before, after in pairwise(running):
        seconds = (
            datetime.fromisoformat(after["time"]) - datetime.fromisoformat(before["time"])
        ).total_seconds()
        gained = after["charge_wh"] - before["charge_wh"]
        if after["soc_ratio"] < 1:
            assert abs(gained - seconds / 3.6) < 1e-6


async def test_describe_prints_what_the_data_folder_is(tmp_path: Path) -> None:
    data = citylearn_folder(tmp_path / "data", days=30)
    twin = TwinProcess(tmp_path, data, "127.0.0.1:1", 1)
    async with twin.running("wattmesh_twin.describe") as job:
        output, _ = await job.communicate()
        assert job.returncode == 0
    facts = json.loads(output)
    assert facts["time_zone"] == "America/Los_Angeles"
    assert facts["start_time"] == "2016-08-01T07:00:00+00:00"
    assert facts["end_time"] == "2016-08-31T07:00:00+00:00"
    assert facts["sites"] == ["sites/home-1", "sites/home-2"]
    assert not twin.ledger.exists()


async def test_provision_as_a_job_begins_the_run_that_the_twin_continues(tmp_path: Path) -> None:
    async with twin_process(tmp_path) as (twin, upstream):
        async with twin.running("wattmesh_twin.provision") as job:
            assert await job.wait() == 0
        batches = upstream.metering.batches
        begin = json.loads((twin.ledger / "run.json").read_text())["begin"]
        assert datetime.fromisoformat(begin) == START
        async with twin.running():
            await twin.published(4)
        assert batches > 0
        assert upstream.metering.batches == batches
