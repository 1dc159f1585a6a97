"""Runs in the cluster, in an image of the mesh: calls every part again and again, and answers asks.

    python caller.py call        a line of JSON a second: {"second", "ok", "failed", "slowest_ms"}
    python caller.py ask         what the mesh says of itself, as JSON
    python caller.py site NAME   what is registered of a site, as JSON
    python caller.py shown       the certificates that each part's pods show, as JSON
    python caller.py strangers   what becomes of calls without a certificate, and of forbidden ones

Calls go as the mesh's own do: over the names of headless Services, spread over all pods, tried
again while a pod is away, until `DEADLINE_SECONDS` have passed.
"""

import asyncio
import json
import os
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict

from wattmesh.control.v1 import control_pb2
from wattmesh.gateway.v1 import gateway_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh.site.v1 import site_service_pb2
from wattmesh_kernel.clock import parse_clock
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.telemetry import Telemetry

DEADLINE_SECONDS = 30.0
EVERY_SECONDS = 0.2
PORT = 50051
READS = {
    "metering": "/wattmesh.site.v1.SiteService/ListSites",
    "carbon": "/wattmesh.carbon.v1.CarbonService/ListFactors",
    "forecast": "/wattmesh.forecast.v1.ForecastService/ListModels",
    "optimizer": "/wattmesh.status.v1.StatusService/GetStatus",
    "usage": "/wattmesh.usage.v1.UsageService/ListVehicles",
    "control": "/wattmesh.control.v1.ControlService/GetCommandStatistics",
    "demandresponse": "/wattmesh.demandresponse.v1.DemandResponseService/ListProgrammes",
    "planner": "/wattmesh.planner.v1.PlannerService/ListPlans",
    "analytics": "/wattmesh.status.v1.StatusService/GetStatus",
    "alerting": "/wattmesh.alert.v1.AlertService/ListSilences",
    "gateway": "/wattmesh.gateway.v1.GatewayService/GetGatewayStatus",
}
"""A read of each part that takes an empty request."""


async def call(runtime: Runtime) -> None:
    """Call every part until this process is ended, and print what became of it each second."""
    ok: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    slowest: dict[str, float] = {}

    async def one(part: str, method: Any) -> None:
        while True:
            began = time.monotonic()
            try:
                await method(b"", timeout=DEADLINE_SECONDS)
                ok[part] += 1
            except grpc.aio.AioRpcError as error:
                failed[f"{part} {error.code().name}"] += 1
            took = 1000 * (time.monotonic() - began)
            slowest[part] = max(took, slowest.get(part, 0.0))
            await asyncio.sleep(EVERY_SECONDS)

    for part, name in READS.items():
        method: Any = runtime.channel(f"{part}:{PORT}").unary_unary(name)
        asyncio.create_task(one(part, method), name=part)  # noqa: RUF006 (ends with the process)
    while True:
        await asyncio.sleep(1.0)
        line = {
            "second": int(time.time()),
            "ok": sum(ok.values()),
            "failed": dict(failed),
            "slowest_ms": {part: round(took) for part, took in slowest.items()},
        }
        print(json.dumps(line), flush=True)
        for each in (ok, failed, slowest):
            each.clear()


async def ask(runtime: Runtime) -> dict[str, Any]:
    """Return what the mesh says of its plans, commands and readings."""

    async def answer(part: str, name: str, request: Any, response: Any) -> Any:
        method = runtime.channel(f"{part}:{PORT}").unary_unary(
            name,
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        return await method(request, timeout=DEADLINE_SECONDS)

    plans = list[Any]()
    token = ""
    while True:
        page = await answer(
            "planner",
            "/wattmesh.planner.v1.PlannerService/ListPlans",
            planner_pb2.ListPlansRequest(page_size=100, page_token=token),
            planner_pb2.ListPlansResponse,
        )
        plans += page.plans
        token = page.next_page_token
        if not token:
            break
    commands = await answer(
        "control",
        "/wattmesh.control.v1.ControlService/GetCommandStatistics",
        control_pb2.GetCommandStatisticsRequest(),
        control_pb2.GetCommandStatisticsResponse,
    )
    gateway = await answer(
        "gateway",
        "/wattmesh.gateway.v1.GatewayService/GetGatewayStatus",
        gateway_pb2.GetGatewayStatusRequest(),
        gateway_pb2.GetGatewayStatusResponse,
    )
    readings = await answer(
        "metering",
        "/wattmesh.metering.v1.MeteringService/GetIngestStatistics",
        metering_pb2.GetIngestStatisticsRequest(source="gateways/local"),
        metering_pb2.GetIngestStatisticsResponse,
    )
    return {
        "now": parse_clock(os.environ.get("WATTMESH_CLOCK", "system")).now().isoformat(),
        "plans": [
            {
                "scope": each.scope,
                "state": planner_pb2.PlanState.Name(each.state),
                "message": each.message,
                "begins": each.target_range.start_time.ToJsonString(),
            }
            for each in plans
        ],
        "commands": MessageToDict(commands, preserving_proto_field_name=True),
        "gateway": MessageToDict(gateway, preserving_proto_field_name=True),
        "readings": MessageToDict(readings, preserving_proto_field_name=True),
    }


async def registered(runtime: Runtime, name: str) -> dict[str, Any]:
    """Return a site, its assets and devices and its tariff, as SiteService has them; {}: none."""
    service = "/wattmesh.site.v1.SiteService/"

    async def answer(method: str, **words: Any) -> Any:
        request = getattr(site_service_pb2, f"{method}Request")(**words)
        response = getattr(site_service_pb2, f"{method}Response")
        call = runtime.channel(f"metering:{PORT}").unary_unary(
            service + method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        found = await call(request, timeout=DEADLINE_SECONDS)
        return MessageToDict(found, preserving_proto_field_name=True)

    listed = (await answer("ListSites", page_size=1000)).get("sites", ())
    if name not in [each["name"] for each in listed]:
        return {}
    site = (await answer("GetSite", name=name))["site"]
    assets = await answer("ListAssets", parent=name)
    devices = await answer("ListDevices", parent=name)
    tariff = await answer("GetTariff", name=site["tariff"]) if site.get("tariff") else {}
    return {"site": site, **assets, **devices, **tariff}


def shown(settings: ServiceSettings) -> dict[str, list[str]]:
    """Return the certificates [PEM] that a part's pods show to whoever connects anew.

    Of a part that nobody finds or reaches just now there is none.
    """
    context = ssl.create_default_context(cafile=settings.tls_ca_file)
    assert settings.tls_certificate_file is not None, "it is told one"
    context.load_cert_chain(settings.tls_certificate_file, settings.tls_key_file)
    context.set_alpn_protocols(["h2"])
    found = dict[str, list[str]]()
    for part in READS:
        try:
            found[part] = sorted(_shown_by(part, context))
        except OSError:
            found[part] = []
    return found


def _shown_by(part: str, context: ssl.SSLContext) -> Iterator[str]:
    for *_, address in socket.getaddrinfo(part, PORT, type=socket.SOCK_STREAM):
        with (
            socket.create_connection((str(address[0]), PORT), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname=part) as secured,
        ):
            yield ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"")


async def strangers(runtime: Runtime, settings: ServiceSettings) -> dict[str, dict[str, str]]:
    """Return what becomes of calls that are not allowed, as the names of status codes, by part.

    In plaintext, with TLS but without a certificate, and, of metering, a viewer's that deletes.
    """
    assert settings.tls_ca_file is not None, "it is told one"
    roots = grpc.ssl_channel_credentials(settings.tls_ca_file.read_bytes())
    found = dict[str, dict[str, str]]()
    for part, name in READS.items():
        target = f"{part}:{PORT}"
        async with (
            grpc.aio.insecure_channel(target) as plain,
            grpc.aio.secure_channel(target, roots) as nameless,
        ):
            found[part] = {
                "plaintext": await _code(plain, name),
                "nameless": await _code(nameless, name),
            }
    forbidden = "/wattmesh.site.v1.SiteService/DeleteSite"
    found["metering"]["viewer"] = await _code(runtime.channel(f"metering:{PORT}"), forbidden)
    return found


async def _code(channel: Any, method: str) -> str:
    try:
        await channel.unary_unary(method)(b"", timeout=5.0)
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


async def main(arguments: list[str]) -> None:
    """Do what is asked for."""
    clock = parse_clock(os.environ.get("WATTMESH_CLOCK", "system"))
    settings = ServiceSettings()
    async with Runtime(settings, clock, Telemetry("caller")) as runtime:
        match arguments:
            case ["call"]:
                await call(runtime)
            case ["ask"]:
                print(json.dumps(await ask(runtime)))
            case ["site", name]:
                print(json.dumps(await registered(runtime, name)))
            case ["shown"]:
                print(json.dumps(await asyncio.to_thread(shown, settings)))
            case ["strangers"]:
                print(json.dumps(await strangers(runtime, settings)))
            case _:
                raise SystemExit(__doc__)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
