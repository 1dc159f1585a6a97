"""`wattmesh limits`: what may be drawn and fed in, who says so, who keeps it, what was metered."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import grpc
from rich.console import Console
from rich.table import Table

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_to_proto,
    time_range_to_proto,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

_STEP = timedelta(minutes=5)
_MARGIN_W = 25.0
"""What registers that count whole watt-hours leave open over a step."""
_LOOK_BACK = timedelta(hours=1)
"""For how long what was metered is told."""
_PER_HOUR = timedelta(hours=1) / _STEP
_ALL = "sites/-/devices/-"


@asynccontextmanager
async def limits_desk(state_folder: Path, console: Console) -> AsyncIterator["LimitsDesk"]:
    """Yield what asks the mesh that runs here. Error: NotFound when none does."""
    mesh = MeshState(state_folder)
    clock = mesh.clock()
    with rpc_errors():
        async with MeshClients.of(mesh) as clients:
            yield LimitsDesk(
                clients.channel("control"), clients.channel("metering"), clock, console
            )


class LimitsDesk:
    """Prints limits; each returns an exit status."""

    def __init__(
        self,
        control: grpc.aio.Channel,
        metering: grpc.aio.Channel,
        clock: Clock,
        console: Console,
    ) -> None:
        self._control = control_pb2_grpc.ControlServiceStub(control)
        self._sites = site_service_pb2_grpc.SiteServiceStub(metering)
        self._metering = metering_pb2_grpc.MeteringServiceStub(metering)
        self._clock = clock
        self._console = console

    async def show(self, site: str = "") -> int:
        """Print those of a site (`sites/{site}`), or all; 1: one was exceeded by the meters."""
        limits = await self._limits(f"{site}/devices/-" if site else _ALL)
        if not limits:
            self._console.print("nothing is limited")
            return 0
        now = self._clock.now()
        table = Table(box=None, header_style="bold")
        for name in ("of", "allowed", "from", "until", "by", "why", "kept by", "metered"):
            table.add_column(name)
        exceeded = False
        for each in limits:
            told, above = await self._metered(each, now)
            exceeded = exceeded or above
            table.add_row(
                *(each.subject, allowed(each), _from(each), _moment(_end(each))),
                *(each.owner, each.reason, kept_by(each, now), told),
            )
        self._console.print(table)
        return 1 if exceeded else 0

    async def _limits(self, parent: str) -> list[control_pb2.Limit]:
        found = list[control_pb2.Limit]()
        request = control_pb2.ListLimitsRequest(parent=parent)
        while True:
            page = await self._control.ListLimits(request)
            found.extend(page.limits)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def _metered(self, limit: control_pb2.Limit, now: datetime) -> tuple[str, bool]:
        """Return what the meter of a site's connection says, step by step, and if above."""
        if not limit.subject.startswith("sites/") or limit.subject.count("/") != 1:
            return "", False
        start = max(_start(limit) or now - _LOOK_BACK, now - _LOOK_BACK)
        first = floor_time(start + _STEP - timedelta.resolution, _STEP)
        end = floor_time(now, _STEP)
        connection = await self._connection(limit.subject)
        if connection is None or first >= end:
            return "", False
        request = metering_pb2.QueryEnergyRequest(
            assets=[connection],
            range=time_range_to_proto(TimeRange(first, end)),
            resolution=duration_to_proto(_STEP),
        )
        (energy,) = (await self._metering.QueryEnergy(request)).energies
        imported, exported = energy.import_energy_wh.values, energy.export_energy_wh.values
        powers_w = [
            (one - other) * _PER_HOUR for one, other in zip(imported, exported, strict=True)
        ]
        return effect(limit, [each for each in powers_w if not math.isnan(each)])

    async def _connection(self, site: str) -> str | None:
        request = site_service_pb2.ListAssetsRequest(parent=site)
        while True:
            page = await self._sites.ListAssets(request)
            for each in page.assets:
                if each.WhichOneof("kind") == "grid_connection":
                    return str(each.name)
            if not page.next_page_token:
                return None
            request.page_token = page.next_page_token


def allowed(limit: control_pb2.Limit) -> str:
    """Return what is allowed, in words."""
    bounds = [
        (limit.max_power_w, "at most {} in", limit.HasField("max_power_w")),
        (-limit.min_power_w, "at most {} out", limit.HasField("min_power_w")),
        (limit.max_phase_power_w, "{} in a conductor", limit.HasField("max_phase_power_w")),
        (-limit.min_phase_power_w, "{} out a conductor", limit.HasField("min_phase_power_w")),
    ]
    return ", ".join(words.format(_kw(value)) for value, words, said in bounds if said)


def kept_by(limit: control_pb2.Limit, now: datetime) -> str:
    """Return which gateways keep a limit by themselves, and since when; control keeps all."""
    start = _start(limit)
    words = []
    for each in limit.acknowledgements:
        told = datetime_from_proto(each.acknowledge_time)
        gateway = each.gateway.rpartition("/")[2]
        where = "" if each.site == limit.subject else f" ({each.site.rpartition('/')[2]})"
        if start is not None and now < start:
            words.append(f"{gateway}{where}: told {told:%H:%M:%S}")
        else:
            since = told if start is None else max(told, start)
            words.append(f"{gateway}{where}: followed since {since:%H:%M:%S}")
    return "; ".join(words) or "commands and plans: told to no gateway"


def effect(limit: control_pb2.Limit, powers_w: Sequence[float]) -> tuple[str, bool]:
    """Return what meters saw under a limit [W, into the site positive], and if it was above."""
    if not powers_w:
        return "nothing metered yet", False
    most, least = max(powers_w), min(powers_w)
    over = limit.HasField("max_power_w") and most > limit.max_power_w + _MARGIN_W
    under = limit.HasField("min_power_w") and least < limit.min_power_w - _MARGIN_W
    furthest = least if under or not limit.HasField("max_power_w") else most
    minutes = len(powers_w) * (_STEP // timedelta(minutes=1))
    kept = "exceeded" if over or under else "kept"
    return f"{kept}: up to {_kw(furthest)} in {minutes} min", over or under


def _start(limit: control_pb2.Limit) -> datetime | None:
    if not limit.HasField("start_time"):
        return None
    return datetime_from_proto(limit.start_time)


def _end(limit: control_pb2.Limit) -> datetime:
    return datetime_from_proto(limit.expire_time)


def _from(limit: control_pb2.Limit) -> str:
    start = _start(limit)
    return "" if start is None else _moment(start)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _kw(watts: float) -> str:
    return f"{round(watts / 1000, 2) + 0.0:g} kW"
