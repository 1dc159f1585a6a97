"""What of a data set draws by laws of its own: charge points, rooms, tanks and machines."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from wattmesh_kernel.clock import Clock
from wattmesh_twin.adapters.ledger.journal import (
    ChargePointLedger,
)
from wattmesh_twin.adapters.ocpp_point import OcppTwin
from wattmesh_twin.adapters.room_modbus import RoomRegisters
from wattmesh_twin.adapters.room_mqtt import MqttHotWater, MqttMachine, MqttRoom
from wattmesh_twin.app.room_history import room_history, tank_history
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.app.run_hot_water import HotWaterTwin
from wattmesh_twin.app.run_household import MachineTwin
from wattmesh_twin.app.run_rooms import RoomTwin
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.appliance import ApplianceState
from wattmesh_twin.domain.charger import Charger, ChargerState, Visit
from wattmesh_twin.domain.charging_profiles import ChargingProfiles
from wattmesh_twin.domain.dataset import DataSet, SiteMeasurements
from wattmesh_twin.domain.history import PastReadings
from wattmesh_twin.domain.hot_water import HotWaterSpec
from wattmesh_twin.domain.household import RunBoard
from wattmesh_twin.domain.physics import Drawn
from wattmesh_twin.domain.rooms import RoomSpec
from wattmesh_twin.domain.site import ChargePointSpec, SiteSpec
from wattmesh_twin.domain.tank import TankState
from wattmesh_twin.domain.topology import (
    HEAT_PUMP_POINTS,
    HOT_WATER_POINTS,
    MACHINE_POINTS,
    charge_point_id,
    room_topic,
    room_unit,
)
from wattmesh_twin.settings import TwinSettings

PAST_ROOMS = timedelta(weeks=3)
"""How long before the start rooms have a plant that is metered."""


class Speaking(Protocol):
    """A device that speaks for as long as it runs."""

    async def run(self) -> None:
        """Speak, for ever."""


class Equipment:
    """All of it, under the clock of a run that begins at `begin`, and how it speaks."""

    def __init__(
        self, settings: TwinSettings, clock: Clock, dataset: DataSet, begin: datetime
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._dataset = dataset
        self._begin = begin
        self.chargers = {
            each.spec.asset(point.id): ChargerTwin(
                Charger(visits=self._visits(each, point)),
                ChargingProfiles(max_current_a=point.max_current_a),
                self._clock,
                ChargerState(time=self._begin),
            )
            for each in dataset.sites
            for point in each.spec.charge_points
        }
        self.rooms = {
            each.spec.asset(room.id): self._room(each, room)
            for each in dataset.sites
            for room in each.spec.rooms
        }
        self.tanks = {
            each.spec.asset(tank.id): self._tank(each, tank)
            for each in dataset.sites
            for tank in each.spec.tanks
        }
        self.machines = {
            asset: MachineTwin(spec, asset, self._appliance())
            for each in dataset.sites
            for spec in each.spec.machines
            for asset in (each.spec.asset(spec.id),)
        }

    def _visits(self, site: SiteMeasurements, point: ChargePointSpec) -> Sequence[Visit]:
        """Return who comes from the beginning on: before it, charge points were not there."""
        known = site.visits.get(point.id, ())
        return [each for each in known if each.arrival >= self._begin]

    def chargers_of(self, spec: SiteSpec) -> dict[str, ChargerTwin]:
        """Return the charge points of a site."""
        return {each.id: self.chargers[spec.asset(each.id)] for each in spec.charge_points}

    def _room(self, site: SiteMeasurements, spec: RoomSpec) -> RoomTwin:
        """Return a room as it was when its plant was put up: some weeks before the run."""
        zone = spec.in_climate(site.climate(spec.id, self._clock))
        first = max(self._first(site.climates[spec.id].start), self._begin - PAST_ROOMS)
        twin = ZoneTwin(zone, spec.scheduled, self._clock, spec.initial(first))
        twin.remember()
        return RoomTwin(spec, twin)

    def _tank(self, site: SiteMeasurements, spec: HotWaterSpec) -> HotWaterTwin:
        """Return a tank as it was when it was put up: some weeks before the run."""
        climate = site.climate(spec.id, self._clock)
        first = max(self._first(site.climates[spec.id].start), self._begin - PAST_ROOMS)
        state = TankState(time=first, celsius=spec.own_celsius)
        twin = TankTwin(spec.tank, spec.orders, self._clock, state, climate, draws=None)
        return HotWaterTwin(spec, twin, climate)

    def parts_of(self, spec: SiteSpec) -> dict[str, RoomTwin | HotWaterTwin]:
        """Return the rooms and tanks of a site."""
        return {
            **{each.id: self.rooms[spec.asset(each.id)] for each in spec.rooms},
            **{each.id: self.tanks[spec.asset(each.id)] for each in spec.tanks},
        }

    def _appliance(self) -> ApplianceTwin:
        """Return a machine that waits for its permission, as it was put up at the beginning."""
        state = ApplianceState(time=self._begin)
        return ApplianceTwin(self._clock, own=False, state=state)

    def machines_of(self, spec: SiteSpec) -> dict[str, MachineTwin]:
        """Return the machines of a site that somebody loads."""
        return {each.id: self.machines[spec.asset(each.id)] for each in spec.machines}

    def consumers_of(self, spec: SiteSpec) -> dict[str, Drawn]:
        """Return everything else of a site that draws by laws of its own."""
        drawn: dict[str, Drawn] = {id_: part.twin for id_, part in self.parts_of(spec).items()}
        return drawn | {id_: machine.twin for id_, machine in self.machines_of(spec).items()}

    def speaking(self, ledger: ChargePointLedger) -> list[Sequence[Speaking]]:
        """Return everything that speaks, as it dials in."""
        return [
            self.charge_points(ledger),
            self.heat_pumps(ledger),
            self.tanks_speaking(ledger),
            self.appliances(ledger),
        ]

    def loading(self, board: RunBoard | None) -> list[Callable[[], Awaitable[None]]]:
        """Return who loads machines, and says so where there is somebody to tell."""
        return [partial(each.run, board) for each in self.machines.values()]

    def appliances(self, ledger: ChargePointLedger) -> list[MqttMachine]:
        """Return machines as they speak at the broker."""
        return [
            MqttMachine(
                self.machines[site.spec.asset(each.id)].twin,
                self._settings.mqtt_url,
                room_topic(site.spec.device(each.id)),
                self._settings.reporting_interval,
                partial(ledger.told, site.spec.device(each.id), quantities=MACHINE_POINTS),
            )
            for site in self._dataset.sites
            for each in site.spec.machines
        ]

    def tanks_speaking(self, ledger: ChargePointLedger) -> list[MqttHotWater]:
        """Return the tanks as they speak at the broker."""
        return [
            MqttHotWater(
                self.tanks[site.spec.asset(tank.id)].twin,
                self._settings.mqtt_url,
                room_topic(site.spec.device(tank.id)),
                self._settings.reporting_interval,
                partial(ledger.told, site.spec.device(tank.id), quantities=HOT_WATER_POINTS),
            )
            for site in self._dataset.sites
            for tank in site.spec.tanks
        ]

    def heat_pumps(self, ledger: ChargePointLedger) -> list[MqttRoom]:
        """Return the plants of rooms as they speak at the broker."""
        return [
            MqttRoom(
                self.rooms[site.spec.asset(room.id)].twin,
                self._settings.mqtt_url,
                room_topic(site.spec.device(room.id)),
                self._settings.reporting_interval,
                partial(ledger.told, site.spec.device(room.id), quantities=HEAT_PUMP_POINTS),
            )
            for site in self._dataset.sites
            for room in site.spec.rooms
            if not room.on_modbus
        ]

    def on_modbus(self, spec: SiteSpec) -> list[RoomRegisters]:
        """Return the plants of a site's rooms that are behind its Modbus port."""
        return [
            RoomRegisters(self.rooms[spec.asset(room.id)].twin, room_unit(spec, room))
            for room in spec.rooms
            if room.on_modbus
        ]

    def charge_points(self, ledger: ChargePointLedger) -> list[OcppTwin]:
        """Return the charge points as they dial in; none where nobody listens."""
        if not self._settings.ocpp_url:
            return []
        return [
            OcppTwin(
                charge_point_id(site.spec.device(point.id)),
                self._settings.ocpp_url,
                self.chargers[site.spec.asset(point.id)],
                point.max_current_a,
                partial(ledger.told, site.spec.device(point.id)),
            )
            for site in self._dataset.sites
            for point in site.spec.charge_points
        ]

    def room_histories(self) -> list[PastReadings]:
        """Return what was read of rooms before the run."""
        return [
            room_history(
                site.spec.device(room.id),
                self.rooms[site.spec.asset(room.id)].twin,
                self._begin,
            )
            for site in self._dataset.sites
            for room in site.spec.rooms
        ]

    def tank_histories(self) -> list[PastReadings]:
        """Return what was read of tanks before the run."""
        return [
            tank_history(
                site.spec.device(tank.id),
                self.tanks[site.spec.asset(tank.id)].twin,
                self._begin,
            )
            for site in self._dataset.sites
            for tank in site.spec.tanks
        ]

    def _first(self, data_start: datetime) -> datetime:
        return max(data_start, self._begin - timedelta(days=self._settings.history_days))
