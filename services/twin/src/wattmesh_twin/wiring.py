"""Builds the twin: data, sites, devices, and what it tells the other services."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import grpc

from wattmesh_kernel.clock import Clock, ScaledClock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import GatewayId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_runtime.service import Runtime, Service
from wattmesh_twin.adapters.carbon import CarbonServiceClient
from wattmesh_twin.adapters.data.folder import load_folder
from wattmesh_twin.adapters.ledger.journal import (
    BatteryLedger,
    ChargePointLedger,
    FileJournal,
    HourLedger,
    IslandLedger,
)
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.adapters.ledger.run import HistoryMark, Run, open_ports, open_run
from wattmesh_twin.adapters.metering import MeteringIngest
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.adapters.mqtt import MqttBroker
from wattmesh_twin.adapters.site_directory import SiteServiceClient
from wattmesh_twin.adapters.sunspec.battery import SunSpecBattery
from wattmesh_twin.adapters.sunspec.clamp import SunSpecClamp
from wattmesh_twin.adapters.sunspec.device import SunSpecDevice
from wattmesh_twin.adapters.sunspec.inverter import SunSpecInverter
from wattmesh_twin.adapters.sunspec.microgrid import microgrid_devices
from wattmesh_twin.adapters.usage import UsageClient
from wattmesh_twin.app.deliver_telegrams import TelegramDelivery
from wattmesh_twin.app.provision import Endpoints, Provisioning
from wattmesh_twin.app.publish_carbon import CarbonPublication
from wattmesh_twin.app.publish_prices import PricePublication
from wattmesh_twin.app.run_hot_water import HotWaterTwin
from wattmesh_twin.app.run_rooms import RoomTwin
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.app.tell_needs import TellNeeds
from wattmesh_twin.domain.dataset import DataSet
from wattmesh_twin.domain.history import PastReadings, SiteHistory, site_history
from wattmesh_twin.domain.measured import MeasuredSeries
from wattmesh_twin.domain.physics import SitePhysics
from wattmesh_twin.domain.tariff import DayAheadPrices, published_tariff
from wattmesh_twin.domain.telegram import battery_record
from wattmesh_twin.equipment import Equipment
from wattmesh_twin.first_word import first_word
from wattmesh_twin.settings import TwinSettings

HISTORY_RESOLUTION = timedelta(hours=1)
"""Distance of the register readings from before the start."""
PAST_VISITS = timedelta(weeks=5)
"""Of how long before the start visits to charge points are known."""


@asynccontextmanager
async def wire(settings: TwinSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Open the ledger and the devices, and return what is to run beside them."""
    async with AsyncExitStack() as stack:
        world = await open_world(settings, runtime)
        outbox = stack.enter_context(closing(Outbox(settings.ledger_folder)))
        batteries = stack.enter_context(closing(BatteryLedger(settings.ledger_folder)))
        visits = stack.enter_context(closing(ChargePointLedger(settings.ledger_folder)))
        folder = settings.ledger_folder
        rooms = stack.enter_context(closing(HourLedger(folder / "rooms.jsonl")))
        machines = stack.enter_context(closing(HourLedger(folder / "machines.jsonl")))
        islands = stack.enter_context(closing(IslandLedger(folder)))
        ledgers = Ledgers(
            islands=islands,
            outbox=outbox,
            batteries=batteries,
            charge_points=visits,
            rooms=rooms,
            machines=machines,
        )
        twins = [world.twin(each, ledgers) for each in world.sites]
        for twin in twins:
            devices = [*_devices(twin), *world.equipment.on_modbus(twin.spec)]
            if devices:
                port = world.endpoints.ports[twin.spec.id]
                server = ModbusSite(devices, settings.modbus_host, port)
                await stack.enter_async_context(server)
        broker = MqttBroker(settings.mqtt_url, f"wattmesh-twin-{world.dataset.group.segment}")
        heard = first_word(settings, runtime, world.dataset, world.endpoints)
        delivery = TelegramDelivery(queue=outbox, broker=broker, first_word=heard)
        speaking = (twins, *world.equipment.speaking(visits), world.drivers())
        runs = [each.run for part in speaking for each in part]
        tasks = (*runs, *world.loading(), delivery.run, world.inform)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledgers:
    """The files that all sites write to."""

    outbox: Outbox
    batteries: BatteryLedger
    charge_points: ChargePointLedger
    rooms: HourLedger
    machines: HourLedger
    islands: IslandLedger


class World:
    """The data set under this run's clock."""

    def __init__(self, settings: TwinSettings, runtime: Runtime, dataset: DataSet) -> None:
        self.dataset = dataset
        self._settings = settings
        self._runtime = runtime
        self._clock = runtime.clock
        self._run = _open_run(settings, dataset, self._clock)
        self.equipment = Equipment(settings, self._clock, dataset, self._run.begin)
        self.sites = [
            site.physics(
                self._clock,
                self.equipment.chargers_of(site.spec),
                self.equipment.consumers_of(site.spec),
            )
            for site in dataset.sites
        ]
        self.endpoints = _endpoints(settings, dataset)
        metering = runtime.channel(settings.metering_target)
        self._directory = SiteServiceClient(metering)
        self._provisioning = Provisioning(
            dataset=dataset,
            endpoints=self.endpoints,
            directory=self._directory,
            readings=MeteringIngest(metering),
            histories=self._histories,
            mark=HistoryMark(settings.ledger_folder),
        )
        self._carbon = self._carbon_publication(runtime.channel(settings.carbon_target))
        self._prices = self._price_publication()

    def _histories(self) -> list[SiteHistory | PastReadings]:
        tanks, rooms = self.equipment.tank_histories(), self.equipment.room_histories()
        return [*tanks, *(self._history(each) for each in self.sites), *rooms]

    def loading(self) -> list[Callable[[], Awaitable[None]]]:
        """Return who loads machines, and says so where there is somebody to tell."""
        target = self._settings.usage_target
        board = None if target is None else UsageClient(self._runtime.channel(target))
        return self.equipment.loading(board)

    def drivers(self) -> list[TellNeeds]:
        """Return who says what vehicles need; nobody where there is nobody to tell."""
        equipment = self.equipment
        if self._settings.usage_target is None or not (equipment.chargers or equipment.rooms):
            return []
        visits = {asset: charger.charger.visits for asset, charger in equipment.chargers.items()}
        handed_over = TimeRange(self._run.begin - PAST_VISITS, self._run.begin)
        past = {
            each.spec.asset(id_): [
                visit for visit in known if handed_over.contains(visit.departure)
            ]
            for each in self.dataset.sites
            for id_, known in each.visits.items()
        }
        usage = UsageClient(self._runtime.channel(self._settings.usage_target))
        comforts = {asset: room.spec.comfort for asset, room in equipment.rooms.items()}
        return [
            TellNeeds(clock=self._clock, board=usage, past=past, visits=visits, comforts=comforts)
        ]

    def twin(self, physics: SitePhysics, ledgers: Ledgers) -> SiteTwin:
        """Return a site that continues from its journal, or begins after its history."""
        journal = FileJournal(
            site=physics.spec.id,
            folder=self._settings.ledger_folder,
            outbox=ledgers.outbox,
            batteries=ledgers.batteries,
            charge_points=ledgers.charge_points,
            rooms=ledgers.rooms,
            machines=ledgers.machines,
            islands=ledgers.islands,
        )
        chargers = self.equipment.chargers_of(physics.spec)
        for id_, charger in chargers.items():
            charger.remember(journal.load_charger(id_))
        rooms, state = self.equipment.parts_of(physics.spec), journal.load()
        for id_, part in rooms.items():
            if isinstance(part, RoomTwin) and (memory := journal.load_room(id_)) is not None:
                part.restore(memory)
            if isinstance(part, HotWaterTwin) and (kept := journal.load_tank(id_)) is not None:
                part.restore(kept)
        machines = self.equipment.machines_of(physics.spec)
        for id_, machine in machines.items():
            if (known := journal.load_machine(id_)) is not None:
                machine.restore(known)
        if state is None:
            state = self._history(physics).final
            journal.save(state)
            if record := battery_record(physics.spec, state):
                journal.battery(record)
            for room in rooms.values():
                room.begin(self._run.begin)
        return SiteTwin(
            physics=physics,
            state=state,
            clock=self._clock,
            journal=journal,
            interval=self._settings.reporting_interval,
            charge_points=chargers,
            rooms=rooms,
            machines=machines,
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
        devices += [SunSpecBattery(twin, twin.spec.battery), SunSpecClamp(twin)]
    return [*devices, *microgrid_devices(twin)]
