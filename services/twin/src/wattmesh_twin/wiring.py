"""Builds the twin: data, sites, devices, and what it tells the other services."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import replace
from datetime import datetime, timedelta

import grpc

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


@asynccontextmanager
async def wire(settings: TwinSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Open the ledger and the devices, and return what is to run beside them."""
    async with AsyncExitStack() as stack:
        world = await open_world(settings, runtime)
        outbox = stack.enter_context(closing(Outbox(settings.ledger_folder)))
        batteries = stack.enter_context(closing(BatteryLedger(settings.ledger_folder)))
        twins = [world.twin(each, outbox, batteries) for each in world.physics]
        for twin in twins:
            devices = _devices(twin)
            if devices:
                port = world.endpoints.ports[twin.spec.id]
                server = ModbusSite(devices, settings.modbus_host, port)
                await stack.enter_async_context(server)
        broker = MqttBroker(settings.mqtt_url, f"wattmesh-twin-{world.dataset.group.segment}")
        delivery = TelegramDelivery(queue=outbox, broker=broker)
        tasks = (*(twin.run for twin in twins), delivery.run, world.inform)
        yield Service(name="twin", register=(), service_names=(), tasks=tasks)


async def provision(settings: TwinSettings, runtime: Runtime) -> None:
    """Tell metering and carbon everything that is known now, once, and return."""
    world = await open_world(settings, runtime)
    await world.inform_once()


async def open_world(settings: TwinSettings, runtime: Runtime) -> "World":
    """Read the data and continue or begin the run of the ledger."""
    dataset = await asyncio.to_thread(load_folder, settings.data_folder, settings.homes)
    if settings.peak_price_per_kw is not None:
        dataset = replace(dataset, peak_price_per_kw=settings.peak_price_per_kw)
    return World(settings, runtime, dataset)


class World:
    """The data set under this run's clock."""

    def __init__(self, settings: TwinSettings, runtime: Runtime, dataset: DataSet) -> None:
        self.dataset = dataset
        self.physics = [site.physics(runtime.clock) for site in dataset.sites]
        self._settings = settings
        self._clock = runtime.clock
        self._run = _open_run(settings, dataset, self._clock)
        self.endpoints = _endpoints(settings, dataset)
        metering = runtime.channel(settings.metering_target)
        self._directory = SiteServiceClient(metering)
        self._provisioning = Provisioning(
            dataset=dataset,
            endpoints=self.endpoints,
            directory=self._directory,
            readings=MeteringIngest(metering),
            histories=lambda: [self._history(each) for each in self.physics],
            mark=HistoryMark(settings.ledger_folder),
        )
        self._carbon = self._carbon_publication(runtime.channel(settings.carbon_target))
        self._prices = self._price_publication()

    def twin(self, physics: SitePhysics, outbox: Outbox, batteries: BatteryLedger) -> SiteTwin:
        """Return a site that continues from its journal, or begins after its history."""
        journal = FileJournal(
            site=physics.spec.id,
            folder=self._settings.ledger_folder,
            outbox=outbox,
            batteries=batteries,
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
        async with asyncio.TaskGroup() as group:
            if self._carbon is not None:
                group.create_task(self._carbon.run())
            await self._provisioning.describe()
            if self._prices is not None:
                group.create_task(self._prices.run())
            await self._provisioning.send_history()

    async def inform_once(self) -> None:
        """Tell metering and carbon what they must know now."""
        await self._provisioning.describe()
        if self._prices is not None:
            await self._prices.publish_known()
        if self._carbon is not None:
            await self._carbon.publish_known()
        await self._provisioning.send_history()

    def _history(self, physics: SitePhysics) -> SiteHistory:
        length = timedelta(days=self._settings.history_days)
        return site_history(physics, self._run.begin, length, HISTORY_RESOLUTION)

    def _price_publication(self) -> PricePublication | None:
        prices, zone = self.dataset.prices, self.dataset.zone
        each = prices.import_per_kwh
        if not isinstance(each, Series):
            return None
        if published_tariff(prices, zone).import_rates.real_time is None:
            return None
        return PricePublication(
            tariff=prices.tariff,
            prices=DayAheadPrices(each, zone, self._clock),
            first_day=self._first(each.start).astimezone(zone).date(),
            board=self._directory,
            clock=self._clock,
        )

    def _carbon_publication(self, channel: grpc.aio.Channel) -> CarbonPublication | None:
        carbon = self.dataset.carbon
        if carbon is None:
            return None
        return CarbonPublication(
            zone=carbon.zone,
            source=carbon.source,
            intensity=MeasuredSeries(carbon.average_gco2e_per_kwh, self._clock),
            first=self._first(carbon.average_gco2e_per_kwh.start),
            board=CarbonServiceClient(channel),
            clock=self._clock,
        )

    def _first(self, data_start: datetime) -> datetime:
        return max(data_start, self._run.begin - timedelta(days=self._settings.history_days))


def _endpoints(settings: TwinSettings, dataset: DataSet) -> Endpoints:
    sites = [site.spec.id for site in dataset.sites]
    host = settings.modbus_host
    return Endpoints(
        gateway=GatewayId.parse(settings.gateway),
        host=host,
        ports=open_ports(settings.ledger_folder, sites, host, settings.modbus_port_base),
        reporting_interval=settings.reporting_interval,
    )


def _open_run(settings: TwinSettings, dataset: DataSet, clock: Clock) -> Run:
    """Return the run of the ledger; FailedPrecondition when there is no data at its beginning."""
    raster = max(dataset.raster(settings.reporting_interval), HISTORY_RESOLUTION)
    now = clock.now()
    start = min(clock.sim_start, now) if isinstance(clock, ScaledClock) else now
    run = Run(
        title=dataset.title,
        sites=tuple(site.spec.id for site in dataset.sites),
        reporting_interval=settings.reporting_interval,
        begin=floor_time(start, raster),
    )
    run = open_run(settings.ledger_folder, run)
    measured = dataset.measured_range()
    if not measured.contains(run.begin):
        raise FailedPrecondition(
            "NO_DATA_THEN", f"the data are of {measured}, the run begins at {run.begin.isoformat()}"
        )
    return run


def _devices(twin: SiteTwin) -> list[SunSpecDevice]:
    devices: list[SunSpecDevice] = []
    if twin.spec.pv is not None:
        devices.append(SunSpecInverter(twin, twin.spec.pv))
    if twin.spec.battery is not None:
        devices.append(SunSpecBattery(twin, twin.spec.battery))
    return devices
