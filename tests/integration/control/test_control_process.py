"""`python -m wattmesh_control` as it is started."""

import asyncio
import os
import signal
import sys
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


async def test_it_serves_until_told_to_stop_and_ends_soundly(database_url: str) -> None:
    environment = {
        **os.environ,
        "WATTMESH_DATABASE_URL": database_url,
        "WATTMESH_METERING_TARGET": "127.0.0.1:1",
        "WATTMESH_SHUTDOWN_NOTICE_SECONDS": "0",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wattmesh_control"),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        line = b""
        while b"serving on" not in line:
            line = await process.stderr.readline()
            assert line, "it ended before it served"
        address = line.decode().split()[-1]
        async with grpc.aio.insecure_channel(address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = health_pb2.HealthCheckResponse
            for name, expected in (
                ("liveness", answer.SERVING),
                # It never heard of any device: it is not ready, and says so.
                ("wattmesh.control.v1.ControlService", answer.NOT_SERVING),
                ("wattmesh.gateway.v1.GatewayLinkService", answer.NOT_SERVING),
            ):
                said = await stub.Check(health_pb2.HealthCheckRequest(service=name))
                assert said.status == expected
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
