"""Everything of the bench that speaks the contracts: site model, readings, gateway, counts."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import grpc
import numpy as np

from tests.bench.loop.homes import (
    BATTERY,
    BATTERY_CAPACITY_WH,
    BATTERY_LIMIT_W,
    INVERTER,
    METER,
    POINTS,
    PV_PEAK_W,
    Floats,
    Home,
)
from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh.gateway.v1 import gateway_link_pb2, gateway_link_pb2_grpc
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh.site.v1 import (
    asset_pb2,
    device_pb2,
    site_pb2,
    site_service_pb2,
    site_service_pb2_grpc,
)
from wattmesh.type.v1 import rating_pb2
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import ClockRange, EnergyRates, Tariff, TouPeriod, Window
from wattmesh_kernel.time import EPOCH, TimeRange

TARIFF = Tariff(
    id=TariffId("bench"),
    currency_code="EUR",
    import_rates=EnergyRates(
        base_per_kwh=0.22,
        tou_periods=(
            TouPeriod(
                name="evening",
                price_per_kwh=0.54,
                window=Window(clock_ranges=(ClockRange.hours(16, 21),)),
            ),
        ),
    ),
    export_rates=EnergyRates(base_per_kwh=0.05),
)
_AT_ONCE = 16
_ACKNOWLEDGED = (control_pb2.COMMAND_STATE_APPLIED, control_pb2.COMMAND_STATE_VERIFIED)
_REDIAL_SECONDS = 0.5
_BATCH_ROWS = 10_000
_MICROSECOND = timedelta(microseconds=1)
_OPTIONS = (("grpc.enable_http_proxy", 0),)


def open_channel(target: str) -> grpc.aio.Channel:
    """Return a plain channel on loopback."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)


async def register_homes(channel: grpc.aio.Channel, homes: Sequence[Home]) -> None:
    """Make tariff and homes known to metering."""
    stub = site_service_pb2_grpc.SiteServiceStub(channel)
    tariff = site_service_pb2.UpdateTariffRequest(
        tariff=tariff_to_proto(TARIFF), allow_missing=True
    )
    await stub.UpdateTariff(tariff, wait_for_ready=True)
    gate = asyncio.Semaphore(_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for home in homes:
            group.create_task(_register(stub, home, gate))


async def _register(
    stub: "site_service_pb2_grpc.SiteServiceAsyncStub", home: Home, gate: asyncio.Semaphore
) -> None:
    async with gate:
        await stub.UpdateSite(
            site_service_pb2.UpdateSiteRequest(site=_site(home), allow_missing=True)
        )
        for asset in _assets(home):
            await stub.UpdateAsset(
                site_service_pb2.UpdateAssetRequest(asset=asset, allow_missing=True)
            )
        for device in _devices(home):
            await stub.UpdateDevice(
                site_service_pb2.UpdateDeviceRequest(device=device, allow_missing=True)
            )


def _site(home: Home) -> site_pb2.Site:
    return site_pb2.Site(
        name=home.site,
        time_zone="Europe/Berlin",
        latitude_degrees=52.5,
        longitude_degrees=13.4,
        tariff=TARIFF.id.name,
        currency_code="EUR",
    )


def _assets(home: Home) -> Iterator[asset_pb2.Asset]:
    prefix = f"{home.site}/assets"
    grid = rating_pb2.GridConnectionRating()
    yield asset_pb2.Asset(name=f"{prefix}/grid", grid_connection=grid)
    yield asset_pb2.Asset(name=f"{prefix}/load", load=rating_pb2.LoadRating(derived=True))
    pv = rating_pb2.PvRating(peak_power_w=PV_PEAK_W * home.scale)
    yield asset_pb2.Asset(name=f"{prefix}/pv", pv_array=pv)
    battery = rating_pb2.BatteryRating(
        capacity_wh=BATTERY_CAPACITY_WH,
        max_charge_power_w=BATTERY_LIMIT_W,
        max_discharge_power_w=BATTERY_LIMIT_W,
        charge_efficiency_ratio=0.95,
        discharge_efficiency_ratio=0.95,
        min_soc_ratio=0.1,
    )
    yield asset_pb2.Asset(name=f"{prefix}/battery", battery=battery)


def _devices(home: Home) -> Iterator[device_pb2.Device]:
    for device, asset in ((METER, "grid"), (INVERTER, "pv"), (BATTERY, "battery")):
        address = device_pb2.MqttConnection(address=f"{home.number}/{device}")
        proto = device_pb2.Device(
            name=f"{home.site}/devices/{device}",
            profile="bench",
            gateway=home.gateway,
            connection=device_pb2.Connection(mqtt=address),
            points=[
                device_pb2.Point(name=home.point(device, quantity))
                for owner, quantity in POINTS
                if owner == device
            ],
        )
        proto.reporting_interval.seconds = 900
        proto.functions.add(
            asset=f"{home.site}/assets/{asset}",
            meter_role=device_pb2.METER_ROLE_MAIN,
            controls=device == BATTERY,
        )
        yield proto


async def send_readings(
    channel: grpc.aio.Channel,
    source: str,
    homes: Sequence[Home],
    times: Sequence[datetime],
    values: Floats,
) -> None:
    """Send readings by time, home and point; return when all are committed.

    Error: RuntimeError when one is refused or the stream ends early.
    """
    batches = list(_batches(homes, times, values))
    stub = metering_pb2_grpc.MeteringServiceStub(channel)
    async for answer in stub.Ingest(_requests(source, batches)):
        if answer.rejected:
            raise RuntimeError(f"refused: {answer.rejected[0]}")
        if answer.acked_sequence >= batches[-1].sequence:
            return
    raise RuntimeError("metering ended the stream before all was committed")


async def _requests(
    source: str, batches: Sequence[metering_pb2.ReadingBatch]
) -> AsyncIterator[metering_pb2.IngestRequest]:
    yield metering_pb2.IngestRequest(hello=metering_pb2.IngestHello(source=source))
    for batch in batches:
        yield metering_pb2.IngestRequest(batch=batch)


def _batches(
    homes: Sequence[Home], times: Sequence[datetime], values: Floats
) -> Iterator[metering_pb2.ReadingBatch]:
    """Yield columns in time order, for as many homes at once as fit into a batch."""
    times_us = np.array([(moment - EPOCH) // _MICROSECOND for moment in times], dtype=np.int64)
    base_us, sequence = int(times_us[-1]), 0
    together = max(1, _BATCH_ROWS // (len(POINTS) * len(times)))
    for first in range(0, len(homes), together):
        some = homes[first : first + together]
        names = [home.point(*point) for home in some for point in POINTS]
        rows = values[:, first : first + together, :].reshape(-1)
        for start in range(0, len(rows), _BATCH_ROWS):
            sequence += 1
            part = np.arange(start, min(start + _BATCH_ROWS, len(rows)))
            yield metering_pb2.ReadingBatch(
                sequence=base_us + sequence,
                points=names,
                point_indices=part % len(names),
                measure_times_us=times_us[part // len(names)],
                values=rows[part],
            )


class NullGateway:
    """A gateway whose devices are perfect: every command is applied and verified at once.

    Like a real one it dials in again when its stream ends.
    """

    def __init__(self, channel: grpc.aio.Channel, name: str) -> None:
        self._stub = gateway_link_pb2_grpc.GatewayLinkServiceStub(channel)
        self._name = name

    async def __aenter__(self) -> Self:
        self._carrying = asyncio.create_task(self._carry_on(), name=self._name)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._carrying.cancel()
        await asyncio.wait([self._carrying])

    async def _carry_on(self) -> None:
        while True:
            try:
                await self._carry()
            except grpc.aio.AioRpcError as error:
                print(f"{self._name} dials in again: {error.details()}", file=sys.stderr)
            await asyncio.sleep(_REDIAL_SECONDS)

    async def _carry(self) -> None:
        stream = self._stub.Connect()
        hello = gateway_link_pb2.GatewayHello(gateway=self._name)
        await stream.write(gateway_link_pb2.ConnectRequest(hello=hello))
        async for order in stream:
            if order.HasField("dispatch"):
                for state in _ACKNOWLEDGED:
                    report = gateway_link_pb2.CommandReport(
                        command=order.dispatch.command, state=state, value=order.dispatch.value
                    )
                    await stream.write(gateway_link_pb2.ConnectRequest(report=report))


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What planner and control say of intervals that began in a span."""

    made: int
    late: int
    failed: int
    sources: Counter[str]
    """Forecasts by their source, without a model's version."""
    degradations: Counter[str]
    """What plans were made without knowing, by topic."""
    issued: int
    verified: int


async def read_counts(
    planner: grpc.aio.Channel, control: grpc.aio.Channel, span: TimeRange
) -> Counts:
    """Count plans and commands."""
    starts = time_range_to_proto(span)
    plans = planner_pb2_grpc.PlannerServiceStub(planner)
    count = await plans.GetPlanStatistics(
        planner_pb2.GetPlanStatisticsRequest(start_range=starts), timeout=60
    )
    commands = await control_pb2_grpc.ControlServiceStub(control).GetCommandStatistics(
        control_pb2.GetCommandStatisticsRequest(start_range=starts), timeout=60
    )
    listed = [plan async for plan in _plans(plans, span)]
    return Counts(
        made=count.made,
        late=count.late,
        failed=count.failed,
        sources=Counter(
            source.split(":")[0] for plan in listed for source in plan.forecast_sources.values()
        ),
        degradations=Counter(
            planner_pb2.FactTopic.Name(each.topic) for plan in listed for each in plan.degradations
        ),
        issued=commands.issued,
        verified=commands.verified,
    )


async def _plans(
    stub: "planner_pb2_grpc.PlannerServiceAsyncStub", span: TimeRange
) -> AsyncIterator[planner_pb2.Plan]:
    request = planner_pb2.ListPlansRequest(page_size=1000, start_range=time_range_to_proto(span))
    while True:
        page = await stub.ListPlans(request, timeout=60)
        for plan in page.plans:
            yield plan
        request.page_token = page.next_page_token
        if not request.page_token:
            return
