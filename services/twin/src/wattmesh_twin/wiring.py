"""Builds the twin: data, sites, devices, and what it tells the other services."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from wattmesh_kernel.clock import Clock, ScaledClock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import GatewayId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import floor_time
from wattmesh_runtime.service import Runtime, Service
from wattmesh_twin.adapters.carbon import CarbonServiceClient
from wattmesh_twin.adapters.data.folder import load_folder
from wattmesh_twin.adapters.ledger.journal import BatteryLedger, FileJournal
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.adapters.ledger.run import HistoryMark, Run, open_ports, open_run
from wattmesh_twin.adapters.metering import MeteringIngest
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.adapters.mqtt import MqttBroker
from wattmesh_twin.adapters.site_directory import SiteServiceClient
from wattmesh_twin.adapters.sunspec.battery import SunSpecBattery
from wattmesh_twin.adapters.sunspec.device import SunSpecDevice
from wattmesh_twin.adapters.sunspec.inverter import SunSpecInverter
from wattmesh_twin.app.deliver_telegrams import TelegramDelivery
from wattmesh_twin.app.provision import Endpoints, Provisioning
from wattmesh_twin.app.publish_carbon import CarbonPublication
from wattmesh_twin.app.publish_prices import PricePublication
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.dataset import DataSet
from wattmesh_twin.domain.history import SiteHistory, site_history
from wattmesh_twin.domain.measured import MeasuredSeries
from wattmesh_twin.domain.physics import SitePhysics
from wattmesh_twin.domain.tariff import DayAheadPrices, published_tariff
from wattmesh_twin.domain.telegram import battery_record
from wattmesh_twin.settings import TwinSettings

HISTORY_RESOLUTION = timedelta(hours=1)
"""Distance of the register readings from before the start."""

Task = Callable[[], Coroutine[Any, Any, None]]


@asynccontextmanager
async def wire(settings: TwinSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Open the ledger and the devices, and return what is to run beside them."""
    dataset = await asyncio.to_thread(load_folder, settings.data, settings.homes)
    async with AsyncExitStack() as stack:
        world = _World(settings, runtime, dataset)
        outbox = stack.enter_context(closing(Outbox(settings.ledger)))
        batteries = stack.enter_context(closing(BatteryLedger(settings.ledger)))
        twins = [world.twin(each, outbox, batteries) for each in world.physics]
        for twin in twins:
            devices = _devices(twin)
            if devices:
                port = world.endpoints.ports[twin.spec.id]
                server = ModbusSite(devices, settings.modbus_host, port)
                await stack.enter_async_context(server)
        broker = MqttBroker(settings.mqtt_url, f"wattmesh-twin-{dataset.group.segment}")
        delivery = TelegramDelivery(queue=outbox, broker=broker)
        tasks = (*(twin.run for twin in twins), delivery.run, world.inform)
        yield Service(name="twin", register=(), service_names=(), tasks=tasks)


class _World:
    """The data set under this run's clock."""

    def __init__(self, settings: TwinSettings, runtime: Runtime, dataset: DataSet) -> None:
        if settings.peak_price_per_kw is not None:
            dataset = replace(dataset, peak_price_per_kw=settings.peak_price_per_kw)
        self._settings = settings
        self._runtime = runtime
        self._dataset = dataset
        self._clock = runtime.clock
        self._run = _open_run(settings, dataset, self._clock)
        self.physics = [site.physics(self._clock) for site in dataset.sites]
        self.endpoints = _endpoints(settings, dataset)

    def twin(self, physics: SitePhysics, outbox: Outbox, batteries: BatteryLedger) -> SiteTwin:
        """Return a site that continues from its journal, or begins after its history."""
        journal = FileJournal(
            site=physics.spec.id, folder=self._settings.ledger, outbox=outbox, batteries=batteries
        )
        state = journal.load()
        if state is None:
            state = self._history(physics).final
            journal.save(state)
            if record := battery_record(physics.spec, state):
                journal.battery(record)
        return SiteTwin(
            physics=physics,
            state=state,
            clock=self._clock,
            journal=journal,
            interval=self._settings.reporting_interval,
        )

    async def inform(self) -> None:
        """Tell metering and carbon what they must know, now and as time passes."""
        directory = SiteServiceClient(
            self._runtime.channel(self._settings.metering_target), GatewayId(self._settings.gateway)
        )
        provisioning = Provisioning(
            dataset=self._dataset,
            endpoints=self.endpoints,
            directory=directory,
            readings=MeteringIngest(self._runtime.channel(self._settings.metering_target)),
            histories=lambda: [self._history(each) for each in self.physics],
            mark=HistoryMark(self._settings.ledger),
        )
        async with asyncio.TaskGroup() as group:
            for task in self._carbon():
                group.create_task(task())
            await provisioning.describe()
            for task in self._prices(directory):
                group.create_task(task())
            await provisioning.send_history()

    def _history(self, physics: SitePhysics) -> SiteHistory:
        length = timedelta(days=self._settings.history_days)
        return site_history(physics, self._run.begin, length, HISTORY_RESOLUTION)

    def _prices(self, board: SiteServiceClient) -> list[Task]:
        prices, zone = self._dataset.prices, self._dataset.zone
        each = prices.import_per_kwh
        if not isinstance(each, Series):
            return []
        if published_tariff(prices, zone).import_rates.real_time is None:
            return []
        publication = PricePublication(
            tariff=prices.tariff,
            prices=DayAheadPrices(each, zone, self._clock),
            first_day=self._first(each.start).astimezone(zone).date(),
            board=board,
            clock=self._clock,
        )
        return [publication.run]

    def _carbon(self) -> list[Task]:
        carbon = self._dataset.carbon
        if carbon is None:
            return []
        publication = CarbonPublication(
            zone=carbon.zone,
            source=carbon.source,
            intensity=MeasuredSeries(carbon.average_gco2e_per_kwh, self._clock),
            first=self._first(carbon.average_gco2e_per_kwh.start),
            board=CarbonServiceClient(self._runtime.channel(self._settings.carbon_target)),
            clock=self._clock,
        )
        return [publication.run]

    def _first(self, data_start: datetime) -> datetime:
        return max(data_start, self._run.begin - timedelta(days=self._settings.history_days))


def _endpoints(settings: TwinSettings, dataset: DataSet) -> Endpoints:
    sites = [site.spec.id for site in dataset.sites]
    host = settings.modbus_host
    return Endpoints(
        host=host,
        ports=open_ports(settings.ledger, sites, host, settings.modbus_port_base),
        reporting_interval=settings.reporting_interval,
    )


def _open_run(settings: TwinSettings, dataset: DataSet, clock: Clock) -> Run:
    """Return the run of the ledger; FailedPrecondition when there is no data at its beginning."""
    grid = max(dataset.grid(settings.reporting_interval), HISTORY_RESOLUTION)
    now = clock.now()
    start = min(clock.sim_start, now) if isinstance(clock, ScaledClock) else now
    run = Run(
        title=dataset.title,
        sites=tuple(site.spec.id for site in dataset.sites),
        reporting_interval=settings.reporting_interval,
        begin=floor_time(start, grid),
    )
    run = open_run(settings.ledger, run, now)
    for site in dataset.sites:
        for series in site.loads_w.values():
            if not series.range.contains(run.begin):
                raise FailedPrecondition(
                    "NO_DATA_THEN",
                    f"{site.spec.id.name} has data for {series.range}, not for {run.begin}",
                )
    return run


def _devices(twin: SiteTwin) -> list[SunSpecDevice]:
    devices: list[SunSpecDevice] = []
    if twin.spec.pv is not None:
        devices.append(SunSpecInverter(twin, twin.spec.pv))
    if twin.spec.battery is not None:
        devices.append(SunSpecBattery(twin, twin.spec.battery))
    return devices
