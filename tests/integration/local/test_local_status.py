"""`wattmesh status`: who does the work, who does it with less, who does not, and why."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from rich.console import Console

from tests.fakes.stoppable_postgres import kill_server
from wattmesh_kernel.errors import Unavailable
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_local.running.ports import free_targets
from wattmesh_local.running.processes import SERVICES
from wattmesh_local.status import print_status
from wattmesh_runtime.grpc_server import GrpcServer
from wattmesh_runtime.readiness import Dependency, ProcessStatus
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import SETTINGS


async def there() -> None:
    """Be a dependency that is there."""


async def away() -> None:
    """Be one that is not."""
    raise Unavailable("DATABASE_UNAVAILABLE", "the database is away: Connection refused")


@asynccontextmanager
async def serving(status: ProcessStatus) -> AsyncIterator[str]:
    """A process with this status, which has asked its dependencies; yields where it answers."""
    server = GrpcServer((), (), SETTINGS, Telemetry("test"), status)
    async with status:
        target = await server.start()
        try:
            yield target
        finally:
            await server.stop()


async def until_known(*statuses: ProcessStatus) -> None:
    while any(each.available is None for status in statuses for each in status.states):
        await asyncio.sleep(0.05)


async def asked(folder: Path, processes: dict[str, str], **state: str) -> tuple[int, Any, str]:
    """Return the exit status, the JSON and the table of what is asked."""
    (folder / "run").mkdir(exist_ok=True)
    nobody = dict.fromkeys(SERVICES, "127.0.0.1:1")
    content = {"processes": processes, "targets": nobody, **state}
    (folder / "run" / "mesh.json").write_text(json.dumps(content))
    table = Console(width=200, record=True, file=io.StringIO())
    code = await print_status(folder, table, as_json=False)
    data = Console(width=200, record=True, file=io.StringIO())
    assert await print_status(folder, data, as_json=True) == code
    return code, json.loads(data.export_text()), table.export_text()


async def test_a_process_whose_database_is_away_is_red_with_the_reason(tmp_path: Path) -> None:
    status = ProcessStatus("metering", "1.2.3", [Dependency(name="database", probe=away)])
    async with serving(status) as target:
        await until_known(status)
        code, data, table = await asked(tmp_path, {"metering": target})

    assert code == 1
    assert not data["ready"]
    metering = data["processes"]["metering"]
    assert metering["state"] == "not_ready"
    assert metering["reasons"] == ["database: the database is away: Connection refused"]
    assert metering["version"] == "1.2.3"
    assert metering["since"]
    assert "not ready" in table
    assert "Connection refused" in table


async def test_a_degraded_process_says_what_it_does_without_and_is_no_fault(tmp_path: Path) -> None:
    dependency = Dependency(name="modelhost", probe=away, without="seasonal forecasts")
    status = ProcessStatus("forecast", "", [dependency, Dependency(name="database", probe=there)])
    async with serving(status) as target:
        await until_known(status)
        code, data, table = await asked(tmp_path, {"forecast": target})

    assert code == 0
    assert data["processes"]["forecast"]["state"] == "degraded"
    assert "seasonal forecasts" in table
    assert data["effects"] is None
    assert "control does not answer" in table


async def test_a_model_server_of_others_that_has_no_status_is_up(tmp_path: Path) -> None:
    bare = grpc.aio.server()
    port = bare.add_insecure_port("127.0.0.1:0")
    await bare.start()
    code, data, _ = await asked(tmp_path, {"modelhost": f"127.0.0.1:{port}"})
    await bare.stop(None)

    assert code == 0
    assert data["processes"]["modelhost"]["state"] == "ready"


async def test_database_and_broker_that_are_gone_are_red(tmp_path: Path) -> None:
    (nobody,) = free_targets(1)
    with EmbeddedPostgres(tmp_path / "postgres", durable=False) as server:
        code, data, _ = await asked(tmp_path, {}, database_url=server.url())
        assert code == 0
        assert data["processes"]["postgres"]["state"] == "ready"
        kill_server(server)
        code, data, _ = await asked(
            tmp_path, {}, database_url=server.url(), mqtt_url=f"mqtt://{nobody}"
        )
    assert code == 1
    assert data["processes"]["postgres"]["state"] == "unreachable"
    assert data["processes"]["broker"]["reasons"] == ["nobody answers there"]
