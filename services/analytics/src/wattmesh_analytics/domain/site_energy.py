"""What was metered at a site, and what would have been."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats, added_up, any_estimated
from wattmesh_analytics.domain.moved import Moved
from wattmesh_analytics.domain.plain_rule import RuleRun, follow_rule
from wattmesh_kernel.ids import AssetId, GroupId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.time import TimeRange


class AssetKind(Enum):
    """What a counterfactual moves."""

    STORAGE = "storage"
    CHARGING = "charging"
    CLIMATE = "climate"
    DECLARED = "declared"
    """Whatever the caller has in mind."""


class Counterfactual(Enum):
    """What would have been, had nobody controlled the site."""

    IDLE_STORAGE = "idle_storage"
    """Batteries do nothing."""
    SELF_CONSUMPTION = "self_consumption"
    """Batteries follow the plain rule of self-consumption."""
    CHARGE_AT_ONCE = "charge_at_once"
    """Vehicles charge as soon as they come."""
    THERMOSTAT = "thermostat"
    """Zones are kept by thermostats with the same schedule."""
    UNCONTROLLED = "uncontrolled"
    """All of it: batteries do nothing, vehicles charge at once, zones have thermostats."""
    DECLARED = "declared"
    """What the caller says would have been."""

    @property
    def kinds(self) -> tuple[AssetKind, ...]:
        """What it moves, in the order in which that is looked at."""
        return _KINDS[self]


_KINDS: Mapping[Counterfactual, tuple[AssetKind, ...]] = {
    Counterfactual.IDLE_STORAGE: (AssetKind.STORAGE,),
    Counterfactual.SELF_CONSUMPTION: (AssetKind.STORAGE,),
    Counterfactual.CHARGE_AT_ONCE: (AssetKind.CHARGING,),
    Counterfactual.THERMOSTAT: (AssetKind.CLIMATE,),
    Counterfactual.UNCONTROLLED: (AssetKind.STORAGE, AssetKind.CHARGING, AssetKind.CLIMATE),
    Counterfactual.DECLARED: (AssetKind.DECLARED,),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fuelled:
    """What a generator gave, and what burning its fuel emits for each kWh of that [gCO2e/kWh]."""

    energy: Energy
    emission_gco2e_per_kwh: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteEnergy:
    """The energies of a site's assets over the same intervals: the grid's, plants', batteries'.

    `first_soc_ratios`: how full batteries were at `soc_time`, from which on a rule is followed; one
    of which that is not known begins as empty as it may be.
    """

    site: SiteId
    zone: ZoneInfo
    grid: Energy
    generation: tuple[Energy, ...] = ()
    fuelled: tuple[Fuelled, ...] = ()
    """The part of the generation that burns fuel."""
    batteries: Mapping[AssetId, Energy] = field(default_factory=dict)
    ratings: Mapping[AssetId, BatteryRating] = field(default_factory=dict)
    first_soc_ratios: Mapping[AssetId, float] = field(default_factory=dict)
    soc_time: datetime | None = None
    charging: Mapping[AssetId, Moved] = field(default_factory=dict)
    """Charge points as metered, and charging at once."""
    climate: Mapping[AssetId, Moved] = field(default_factory=dict)
    """Zones as metered, and by their thermostats."""
    declared_wh: Series | None = None
    """By how much more the site would have drawn, as the caller has it."""
    group: GroupId | None = None
    """The group whose sites this adds up; None: it is of `site` alone."""

    @property
    def subject(self) -> SiteId | GroupId:
        """What it speaks of."""
        return self.group or self.site

    def window(self, span: TimeRange) -> "SiteEnergy":
        """Return the part in `span`."""
        return SiteEnergy(
            site=self.site,
            zone=self.zone,
            grid=self.grid.window(span),
            generation=tuple(each.window(span) for each in self.generation),
            fuelled=tuple(replace(each, energy=each.energy.window(span)) for each in self.fuelled),
            batteries={name: each.window(span) for name, each in self.batteries.items()},
            ratings=self.ratings,
            first_soc_ratios=self.first_soc_ratios,
            soc_time=self.soc_time,
            charging={name: each.window(span) for name, each in self.charging.items()},
            climate={name: each.window(span) for name, each in self.climate.items()},
            declared_wh=None if self.declared_wh is None else self.declared_wh.window(span),
            group=self.group,
        )

    @property
    def storage_net_wh(self) -> Floats:
        """What the batteries took less what they gave [Wh]; NaN where one was not metered."""
        nothing = np.zeros(len(self.grid.import_wh))
        return sum((each.net_wh for each in self.batteries.values()), nothing)

    @property
    def generation_wh(self) -> Floats | None:
        """What the plants gave [Wh]; NaN where one was not metered; None: there is none."""
        if not self.generation:
            return None
        return np.asarray(-np.sum([each.net_wh for each in self.generation], axis=0))

    @property
    def consumption_wh(self) -> Floats:
        """What was consumed [Wh]; NaN where something was not metered."""
        consumed = self.grid.net_wh - self.storage_net_wh
        generation = self.generation_wh
        return consumed if generation is None else consumed + generation

    def exchange(self, counterfactual: Counterfactual | None) -> Energy:
        """Return the exchange with the grid: as metered, or as it would have been.

        A home that imported 3 kWh while its battery took 2 kWh would have imported 1 kWh.
        """
        if counterfactual is None:
            return self.grid
        return self.stages(counterfactual)[-1][1]

    def stages(self, counterfactual: Counterfactual) -> list[tuple[AssetKind, Energy]]:
        """Return the exchange with one kind after the other left to its rule.

        The last is that of the counterfactual, with all of its kinds.
        """
        before, found = self.grid, list[tuple[AssetKind, Energy]]()
        estimated = any_estimated([self.grid, *self.batteries.values()])
        for kind in counterfactual.kinds:
            change_wh = self._change_wh(kind, counterfactual)
            # Of what went both ways within an interval nobody knows what would have become; where
            # nothing moves it stays, and where somebody says what would have been different.
            if change_wh.any():
                by_caller = kind is AssetKind.DECLARED
                moved = before.moved(change_wh, keep_both_ways=by_caller)
                before = replace(moved, estimated=estimated)
            found.append((kind, before))
        return found

    def _change_wh(self, kind: AssetKind, counterfactual: Counterfactual) -> Floats:
        """Return how much more a kind would take by its rule [Wh], shape (n,)."""
        nothing = np.zeros(len(self.grid.import_wh))
        match kind:
            case AssetKind.STORAGE:
                runs = self.rule_runs() if counterfactual is Counterfactual.SELF_CONSUMPTION else {}
                ruled = sum((run.net_wh for run in runs.values()), nothing)
                return ruled - self.storage_net_wh
            case AssetKind.CHARGING:
                return sum((each.change_wh for each in self.charging.values()), nothing)
            case AssetKind.CLIMATE:
                return sum((each.change_wh for each in self.climate.values()), nothing)
            case AssetKind.DECLARED:
                return nothing if self.declared_wh is None else self.declared_wh.values

    def rule_runs(self) -> Mapping[AssetId, RuleRun]:
        """Return what the batteries do by the plain rule, one after the other.

        Before `soc_time` they do nothing.
        """
        rest_wh = self.grid.net_wh - self.storage_net_wh
        resolution = self.grid.import_wh.resolution
        begin = 0
        if self.soc_time is not None:
            begin = max((self.soc_time - self.grid.range.start) // resolution, 0)
        runs = dict[AssetId, RuleRun]()
        for asset, rating in self.ratings.items():
            first = self.first_soc_ratios.get(asset, rating.min_soc_ratio)
            run = follow_rule(rest_wh[begin:], rating, first, self.grid.hours)
            net_wh = np.concatenate((np.zeros(begin), run.net_wh))
            runs[asset] = RuleRun(net_wh=net_wh, last_soc_ratio=run.last_soc_ratio)
            rest_wh = rest_wh + net_wh
        return runs

    def compared(self, counterfactual: Counterfactual) -> tuple[Energy, ...]:
        """Return the exchange as metered and each stage of the counterfactual, the last of which is
        all of it, in the intervals in which all are known.
        """
        found = [self.grid, *(energy for _, energy in self.stages(counterfactual))]
        known = np.logical_and.reduce([each.known for each in found])
        return tuple(each.only(known) for each in found)


def together(group: GroupId, sites: Sequence[SiteEnergy]) -> SiteEnergy:
    """Return the energies of a group's sites as one; an interval that one lacks is not known.

    Imports and exports of the sites are added up, and not netted: each has a connection.
    """
    return SiteEnergy(
        site=sites[0].site,
        zone=sites[0].zone,
        grid=added_up([each.grid for each in sites]),
        generation=tuple(plant for each in sites for plant in each.generation),
        batteries={name: one for each in sites for name, one in each.batteries.items()},
        ratings={name: one for each in sites for name, one in each.ratings.items()},
        group=group,
    )
