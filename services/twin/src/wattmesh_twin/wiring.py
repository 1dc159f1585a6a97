"""Builds the twin: data, sites, devices, and what it tells the other services."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

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
    RoomLedger,
)
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.adapters.ledger.run import HistoryMark, Run, open_ports, open_run
from wattmesh_twin.adapters.metering import MeteringIngest
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.adapters.mqtt import MqttBroker
from wattmesh_twin.adapters.ocpp_point import OcppTwin
from wattmesh_twin.adapters.room_mqtt import MqttHotWater, MqttRoom
from wattmesh_twin.adapters.site_directory import SiteServiceClient
from wattmesh_twin.adapters.sunspec.battery import SunSpecBattery
from wattmesh_twin.adapters.sunspec.clamp import SunSpecClamp
from wattmesh_twin.adapters.sunspec.device import SunSpecDevice
from wattmesh_twin.adapters.sunspec.inverter import SunSpecInverter
from wattmesh_twin.adapters.usage import UsageClient
from wattmesh_twin.app.deliver_telegrams import TelegramDelivery
from wattmesh_twin.app.provision import Endpoints, Provisioning
from wattmesh_twin.app.publish_carbon import CarbonPublication
from wattmesh_twin.app.publish_prices import PricePublication
from wattmesh_twin.app.room_history import room_history, tank_history
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.app.run_hot_water import HotWaterTwin
from wattmesh_twin.app.run_rooms import RoomTwin
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.app.tell_needs import TellNeeds
from wattmesh_twin.domain.charger import Charger, ChargerState, Visit
from wattmesh_twin.domain.charging_profiles import ChargingProfiles
from wattmesh_twin.domain.dataset import DataSet, SiteMeasurements
from wattmesh_twin.domain.history import PastReadings, SiteHistory, site_history
from wattmesh_twin.domain.hot_water import HotWaterSpec
from wattmesh_twin.domain.measured import MeasuredSeries
from wattmesh_twin.domain.physics import Drawn, SitePhysics
from wattmesh_twin.domain.rooms import RoomSpec
from wattmesh_twin.domain.site import ChargePointSpec, SiteSpec
from wattmesh_twin.domain.tank import TankState
from wattmesh_twin.domain.tariff import DayAheadPrices, published_tariff
from wattmesh_twin.domain.telegram import battery_record
from wattmesh_twin.domain.topology import (
    HEAT_PUMP_POINTS,
    HOT_WATER_POINTS,
    charge_point_id,
    room_topic,
)
from wattmesh_twin.settings import TwinSettings

HISTORY_RESOLUTION = timedelta(hours=1)
"""Distance of the register readings from before the start."""
PAST_ROOMS = timedelta(weeks=3)
"""How long before the start rooms have a plant that is metered."""
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
        rooms = stack.enter_context(closing(RoomLedger(settings.ledger_folder)))
        ledgers = Ledgers(outbox=outbox, batteries=batteries, charge_points=visits, rooms=rooms)
        twins = [world.twin(each, ledgers) for each in world.sites]
        for twin in twins:
            devices = _devices(twin)
            if devices:
                port = world.endpoints.ports[twin.spec.id]
                server = ModbusSite(devices, settings.modbus_host, port)
                await stack.enter_async_context(server)
        broker = MqttBroker(settings.mqtt_url, f"wattmesh-twin-{world.dataset.group.segment}")
        delivery = TelegramDelivery(queue=outbox, broker=broker)
        points, pumps = world.charge_points(visits), world.heat_pumps(visits)
        tanks, drivers = world.tanks(visits), world.drivers()
        runs = [each.run for part in (twins, points, pumps, tanks, drivers) for each in part]
        tasks = (*runs, delivery.run, world.inform)
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
    rooms: RoomLedger


class World:
    """The data set under this run's clock."""

    def __init__(self, settings: TwinSettings, runtime: Runtime, dataset: DataSet) -> None:
        self.dataset = dataset
        self._settings = settings
        self._runtime = runtime
        self._clock = runtime.clock
        self._run = _open_run(settings, dataset, self._clock)
        self._chargers = {
            each.spec.asset(point.id): ChargerTwin(
                Charger(visits=self._visits(each, point)),
                ChargingProfiles(max_current_a=point.max_current_a),
                self._clock,
                ChargerState(time=self._run.begin),
            )
            for each in dataset.sites
            for point in each.spec.charge_points
        }
        self._rooms = {
            each.spec.asset(room.id): self._room(each, room)
            for each in dataset.sites
            for room in each.spec.rooms
        }
        self._tanks = {
            each.spec.asset(tank.id): self._tank(each, tank)
            for each in dataset.sites
            for tank in each.spec.tanks
        }
        self.sites = [
            site.physics(self._clock, self._drawn(site.spec), self._consumers(site.spec))
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

    def _visits(self, site: SiteMeasurements, point: ChargePointSpec) -> Sequence[Visit]:
        """Return who comes from the beginning on: before it, charge points were not there."""
        known = site.visits.get(point.id, ())
        return [each for each in known if each.arrival >= self._run.begin]

    def _drawn(self, spec: SiteSpec) -> dict[str, ChargerTwin]:
        return {each.id: self._chargers[spec.asset(each.id)] for each in spec.charge_points}

    def _room(self, site: SiteMeasurements, spec: RoomSpec) -> RoomTwin:
        """Return a room as it was when its plant was put up: some weeks before the run."""
        zone = spec.in_climate(site.climate(spec.id, self._clock))
        first = max(self._first(site.climates[spec.id].start), self._run.begin - PAST_ROOMS)
        twin = ZoneTwin(zone, spec.scheduled, self._clock, spec.initial(first))
        twin.remember()
        return RoomTwin(spec, twin)

    def _tank(self, site: SiteMeasurements, spec: HotWaterSpec) -> HotWaterTwin:
        """Return a tank as it was when it was put up: some weeks before the run."""
        climate = site.climate(spec.id, self._clock)
        first = max(self._first(site.climates[spec.id].start), self._run.begin - PAST_ROOMS)
        state = TankState(time=first, celsius=spec.own_celsius)
        twin = TankTwin(spec.tank, spec.orders, self._clock, state, climate, draws=None)
        return HotWaterTwin(spec, twin, climate)

    def _parts(self, spec: SiteSpec) -> dict[str, RoomTwin | HotWaterTwin]:
        """Return the rooms and tanks of a site."""
        return {
            **{each.id: self._rooms[spec.asset(each.id)] for each in spec.rooms},
            **{each.id: self._tanks[spec.asset(each.id)] for each in spec.tanks},
        }

    def _consumers(self, spec: SiteSpec) -> dict[str, Drawn]:
        return {id_: part.twin for id_, part in self._parts(spec).items()}

    def tanks(self, ledger: ChargePointLedger) -> list[MqttHotWater]:
        """Return the tanks as they speak at the broker."""
        return [
            MqttHotWater(
                self._tanks[site.spec.asset(tank.id)].twin,
                self._settings.mqtt_url,
                room_topic(site.spec.device(tank.id)),
                self._settings.reporting_interval,
                partial(ledger.told, site.spec.device(tank.id), quantities=HOT_WATER_POINTS),
            )
            for site in self.dataset.sites
            for tank in site.spec.tanks
        ]

    def heat_pumps(self, ledger: ChargePointLedger) -> list[MqttRoom]:
        """Return the plants of rooms as they speak at the broker."""
        return [
            MqttRoom(
                self._rooms[site.spec.asset(room.id)].twin,
                self._settings.mqtt_url,
                room_topic(site.spec.device(room.id)),
                self._settings.reporting_interval,
                partial(ledger.told, site.spec.device(room.id), quantities=HEAT_PUMP_POINTS),
            )
            for site in self.dataset.sites
            for room in site.spec.rooms
        ]

    def _histories(self) -> list[SiteHistory | PastReadings]:
        rooms = [
            room_history(
                site.spec.device(room.id),
                self._rooms[site.spec.asset(room.id)].twin,
                self._run.begin,
            )
            for site in self.dataset.sites
            for room in site.spec.rooms
        ]
        tanks = [
            tank_history(
                site.spec.device(tank.id),
                self._tanks[site.spec.asset(tank.id)].twin,
                self._run.begin,
            )
            for site in self.dataset.sites
            for tank in site.spec.tanks
        ]
        return [*tanks, *(self._history(each) for each in self.sites), *rooms]

    def charge_points(self, ledger: ChargePointLedger) -> list[OcppTwin]:
        """Return the charge points as they dial in; none where nobody listens."""
        if not self._settings.ocpp_url:
            return []
        return [
            OcppTwin(
                charge_point_id(site.spec.device(point.id)),
                self._settings.ocpp_url,
                self._chargers[site.spec.asset(point.id)],
                point.max_current_a,
                partial(ledger.told, site.spec.device(point.id)),
            )
            for site in self.dataset.sites
            for point in site.spec.charge_points
        ]

    def drivers(self) -> list[TellNeeds]:
        """Return who says what vehicles need; nobody where there is nobody to tell."""
        if self._settings.usage_target is None or not (self._chargers or self._rooms):
            return []
        visits = {asset: charger.charger.visits for asset, charger in self._chargers.items()}
        handed_over = TimeRange(self._run.begin - PAST_VISITS, self._run.begin)
        past = {
            each.spec.asset(id_): [
                visit for visit in known if handed_over.contains(visit.departure)
            ]
            for each in self.dataset.sites
            for id_, known in each.visits.items()
        }
        usage = UsageClient(self._runtime.channel(self._settings.usage_target))
        comforts = {asset: room.spec.comfort for asset, room in self._rooms.items()}
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
        )
        chargers = self._drawn(physics.spec)
        for id_, charger in chargers.items():
            charger.remember(journal.load_charger(id_))
        rooms, state = self._parts(physics.spec), journal.load()
        for id_, part in rooms.items():
            if isinstance(part, RoomTwin) and (memory := journal.load_room(id_)) is not None:
                part.restore(memory)
            if isinstance(part, HotWaterTwin) and (kept := journal.load_tank(id_)) is not None:
                part.restore(kept)
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
    return devices
