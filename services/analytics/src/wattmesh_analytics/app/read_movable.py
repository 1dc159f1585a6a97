"""Read what a scenario changes of vehicles, zones, tanks and work that can wait."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from wattmesh_analytics.app.foresee import Movable
from wattmesh_analytics.app.read_rules import (
    ReadRules,
    connection_w,
    discomforts,
)
from wattmesh_analytics.app.read_shiftable import ReadShiftable
from wattmesh_analytics.app.rule_facts import ZoneFact
from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_analytics.domain.moved import Moved
from wattmesh_analytics.domain.savings import LeftOut
from wattmesh_analytics.domain.scenario import Charging, Climate, Runs, Scenario, Tanks
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_analytics.domain.tank_replay import TankReplay
from wattmesh_analytics.domain.thermostat import ZonePlant, ZoneRecord, ZoneRun, keep_schedule
from wattmesh_analytics.domain.visits import visits_of
from wattmesh_analytics.domain.zone_replay import ZoneReplay
from wattmesh_kernel.sites import EvChargerRating, HvacZoneRating, SiteModel


@dataclass(kw_only=True, slots=True)
class Changes:
    """A site without what is planned, what is planned, and what plain rules came to already.

    `lacking_wh`: what vehicles left without by a rule [Wh], None: none is moved; `unfinished_wh`:
    the same of runs. `tanks`: those that are run again, by a rule or planned.
    """

    rest: SiteEnergy
    movable: Movable
    runs: list[ZoneRun] = field(default_factory=list)
    lacking_wh: float | None = None
    tanks: list[TankReplay] = field(default_factory=list)
    unfinished_wh: float | None = None
    left_out: tuple[LeftOut, ...] = ()

    @property
    def lacking_kwh(self) -> float | None:
        """What vehicles left without [kWh]; None: they charge as metered."""
        if self.lacking_wh is None:
            return None
        return (self.lacking_wh + sum(each.lacking_wh for each in self.movable.visits)) / 1000

    @property
    def zone_runs(self) -> Sequence[ZoneRun]:
        """What zones came to, by rules or planned, once all days have passed."""
        return [*self.runs, *(each.run() for each in self.movable.zones.values())]

    @property
    def discomfort(self) -> tuple[float, float] | None:
        """Discomfort in the scenario and as metered [K h]; None: zones are as metered."""
        found = discomforts(self.zone_runs)
        return None if found is None else (found[1], found[0])

    @property
    def tanks_below(self) -> tuple[float, float] | None:
        """Tanks below their lower edges, in the scenario and as metered [K h]; None: as metered."""
        if not self.tanks:
            return None
        runs = [each.run() for each in self.tanks]
        return (
            sum(each.ruled_kelvin_hours for each in runs),
            sum(each.metered_kelvin_hours for each in runs),
        )

    @property
    def unfinished_kwh(self) -> float | None:
        """What runs did not get [kWh]; None: they are as metered."""
        if self.unfinished_wh is None:
            return None
        return (self.unfinished_wh + sum(each.lacking_wh for each in self.movable.work)) / 1000

    @property
    def left_less_kwh(self) -> float:
        """Energy that zones, tanks, vehicles and runs have less at the end than they had [kWh]."""
        warmth = sum(each.stored_wh for each in self.zone_runs) / 1000
        warmth += sum(each.run().stored_wh for each in self.tanks) / 1000
        return warmth + (self.lacking_kwh or 0.0) + (self.unfinished_kwh or 0.0)


class ReadMovable:
    """Takes out of what was metered what can be moved, to be planned or to follow a rule."""

    def __init__(self, rules: ReadRules, shiftable: ReadShiftable) -> None:
        self._rules = rules
        self._shiftable = shiftable

    async def __call__(self, model: SiteModel, scenario: Scenario, idle: SiteEnergy) -> Changes:
        """Return what is changed of a site whose batteries are idle; the rest is as metered."""
        most_w = connection_w(model, idle)
        movable = Movable(most_import_w=most_w if np.isfinite(most_w) else None)
        changes = Changes(rest=idle, movable=movable)
        if scenario.climate is not Climate.METERED:
            await self._zones(model, scenario, changes)
        if scenario.tanks is not Tanks.METERED:
            await self._tanks(model, scenario, changes)
        if scenario.runs is not Runs.METERED:
            await self._work(model, scenario, changes)
        if scenario.charging is not Charging.METERED:
            await self._vehicles(model, scenario, changes)
        return changes

    async def _zones(self, model: SiteModel, scenario: Scenario, changes: Changes) -> None:
        told = await self._rules.zones_of(model, changes.rest, scenario.range)
        changes.left_out += told.left_out
        for name, fact in told.zones.items():
            kept = _shifted(scenario, fact.record)
            if scenario.climate is Climate.FORESIGHT:
                changes.movable.zones = {
                    **changes.movable.zones,
                    name: ZoneReplay(
                        rating=_known_rating(fact),
                        record=kept,
                        plant=fact.plant,
                        wanted=fact.record,
                    ),
                }
                none = fact.record.energy_wh.with_values(np.zeros(len(fact.record.air_celsius)))
                moved = Moved(metered=fact.record.energy_wh, ruled=none)
            else:
                run = keep_schedule(kept, fact.plant, fact.record)
                changes.runs.append(run)
                moved = run.moved
            changes.rest = _with(changes.rest, moved.ruled.start, moved.change_wh)

    async def _tanks(self, model: SiteModel, scenario: Scenario, changes: Changes) -> None:
        told = await self._shiftable.tanks_of(model, changes.rest, scenario.range)
        changes.left_out += told.left_out
        for name, tank in told.tanks.items():
            change_wh = -tank.record.energy_wh.values
            if scenario.tanks is Tanks.FORESIGHT:
                changes.movable.tanks = {**changes.movable.tanks, name: tank}
            else:
                tank.keep_lower_edge()
                change_wh = tank.run().moved.change_wh
            changes.tanks.append(tank)
            changes.rest = _with(changes.rest, scenario.range.start, change_wh)

    async def _work(self, model: SiteModel, scenario: Scenario, changes: Changes) -> None:
        told = await self._shiftable.work_of(model, changes.rest, scenario.range)
        changes.left_out += told.left_out
        if not told.work:
            return
        changes.unfinished_wh, change_wh = 0.0, -told.taken_wh
        if scenario.runs is Runs.FORESIGHT:
            changes.movable.work = told.work
        else:
            hours = changes.rest.grid.hours
            for run in told.work:
                powers_w = run.at_once(len(change_wh), scenario.range.start)
                change_wh = change_wh + powers_w * hours
                changes.unfinished_wh += run.needed_wh - float(powers_w.sum()) * hours
        changes.rest = _with(changes.rest, scenario.range.start, change_wh)

    async def _vehicles(self, model: SiteModel, scenario: Scenario, changes: Changes) -> None:
        rest, asked = changes.rest, scenario.range
        told = await self._rules.charging_of(model, rest, asked)
        changes.left_out += told.left_out
        if not told.nets:
            return
        changes.lacking_wh = 0.0
        if scenario.charging is Charging.AT_ONCE:
            most_w = connection_w(model, rest)
            found = told.at_once(rest, asked, most_w, scenario.charger_power_w, idle=True)
            changes.lacking_wh = found.lacking_wh
            for moved in found.chargers.values():
                changes.rest = _with(changes.rest, asked.start, moved.change_wh)
            return
        window = {name: net.window(asked) for name, net in told.nets.items()}
        giving = {
            each.id: each.rating
            for each in model.assets_of(rest.site)
            if isinstance(each.rating, EvChargerRating) and scenario.vehicle_to_grid
        }
        visits, taken_wh = visits_of(window, told.stays, scenario.charger_power_w, giving)
        changes.movable.visits = visits
        changes.rest = _with(rest, asked.start, -taken_wh)


def _with(site: SiteEnergy, start: datetime, change_wh: Floats) -> SiteEnergy:
    """Return a site that takes so much more from the grid from `start` on [Wh], shape (n,)."""
    grid = site.grid
    first = (start - grid.range.start) // grid.import_wh.resolution
    net_wh = grid.net_wh
    net_wh[first : first + len(change_wh)] += change_wh
    return replace(site, grid=Energy.of_net(grid.import_wh.with_values(net_wh)))


def _shifted(scenario: Scenario, record: ZoneRecord) -> ZoneRecord:
    low, high = scenario.edge_shift.of(record.low_celsius, record.high_celsius)
    return replace(record, low_celsius=low, high_celsius=high)


def _known_rating(fact: ZoneFact) -> HvacZoneRating:
    """Return a zone's rating with model and efficiencies as they are known."""
    rating, plant = fact.zone.rating, fact.plant
    assert isinstance(rating, HvacZoneRating), "asked of zones alone"
    heats, cools = _usable(plant)
    return replace(
        rating,
        thermal_model=plant.model,
        heating=None
        if rating.heating is None or not heats
        else replace(rating.heating, min_power_w=0.0, cop_points=plant.heating_cop),
        cooling=None
        if rating.cooling is None or not cools
        else replace(rating.cooling, min_power_w=0.0, cop_points=plant.cooling_cop),
    )


def _usable(plant: ZonePlant) -> tuple[bool, bool]:
    return plant.heating_w > 0, plant.cooling_w > 0
