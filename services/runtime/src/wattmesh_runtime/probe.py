"""Ask whether a process is there: `python -m wattmesh_runtime.probe [HOST:PORT [SERVICE]]`.

For images, Compose and clusters without gRPC probes. Without an address it asks on this machine, at
the port of `WATTMESH_HEALTH_ADDRESS`; SERVICE is "" (ready) unless said, `liveness` for alive.
The exit status is 0 when the answer is SERVING.
"""

import os
import sys
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

PROBE_SECONDS = 3.0
"""How long an answer may take [s]."""


def probe(address: str, service: str) -> str:
    """Return the name of the health service's answer, or of the status in place of one."""
    with grpc.insecure_channel(address, options=(("grpc.enable_http_proxy", 0),)) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = stub.Check(request, timeout=PROBE_SECONDS)
        except grpc.RpcError as error:
            failed: Any = error
            return str(failed.code().name)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def main(arguments: list[str]) -> str | None:
    """Return None when it serves, else what it says."""
    listening = os.environ.get("WATTMESH_HEALTH_ADDRESS", "")
    default = f"127.0.0.1:{listening.rpartition(':')[2]}" if listening else ""
    address, service = [*arguments, *("", "")[len(arguments) :]][:2]
    answer = probe(address or default, service)
    return None if answer == "SERVING" else f"{address or default}: {answer}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
