"""Read tanks and work that can wait, as they were, to be run again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from wattmesh_analytics.app.ports import Meter, Reading
from wattmesh_analytics.app.read_rules import TEMPERATURE, outdoor_point
from wattmesh_analytics.app.rule_ports import PastRuns
from wattmesh_analytics.domain.energy import Floats
from wattmesh_analytics.domain.savings import LeftOut
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_analytics.domain.tank_replay import TankRecord, TankReplay
from wattmesh_analytics.domain.work import PastRun, Work, works_of
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset, DeferrableRating, SiteModel, TankRating
from wattmesh_kernel.time import TimeRange

_NOT_METERED = "what it took was not metered"


@dataclass(frozen=True, kw_only=True, slots=True)
class TankFacts:
    """Tanks that can be run again, what each took [Wh] in the span asked about, and who cannot."""

    tanks: Mapping[AssetId, TankReplay] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkFacts:
    """Runs that can be done again, what they took together [Wh], shape (n,), and who cannot."""

    work: Sequence[Work] = ()
    taken_wh: Floats = field(default_factory=lambda: np.zeros(0))
    left_out: tuple[LeftOut, ...] = ()


class ReadShiftable:
    """Reads what metering knows of tanks and machines, and usage of their runs."""

    def __init__(self, *, meter: Meter, runs: PastRuns | None) -> None:
        self._meter = meter
        self._runs = runs

    async def tanks_of(self, model: SiteModel, energy: SiteEnergy, asked: TimeRange) -> TankFacts:
        """Return the tanks of a site over a span. Error: Unavailable."""
        tanks = [
            each for each in model.assets_of(energy.site) if isinstance(each.rating, TankRating)
        ]
        taken = await self._taken(energy, tanks, asked)
        found, left_out = dict[AssetId, TankReplay](), list[LeftOut]()
        for tank in tanks:
            told = await self._tank(model, tank, taken[tank.id])
            if isinstance(told, str):
                left_out.append(LeftOut(subject=tank.id, message=told))
            else:
                found[tank.id] = told
        return TankFacts(tanks=found, left_out=tuple(left_out))

    async def work_of(self, model: SiteModel, energy: SiteEnergy, asked: TimeRange) -> WorkFacts:
        """Return the runs of a site's machines within a span. Error: Unavailable."""
        machines = [
            each
            for each in model.assets_of(energy.site)
            if isinstance(each.rating, DeferrableRating)
        ]
        nothing = np.zeros(asked.count(energy.grid.import_wh.resolution))
        if not machines:
            return WorkFacts(taken_wh=nothing)
        runs = await self._runs_of(machines, asked)
        if isinstance(runs, str):
            return WorkFacts(taken_wh=nothing, left_out=_out(machines, runs))
        taken = await self._taken(energy, machines, asked)
        work, left_out, taken_wh = list[Work](), list[LeftOut](), nothing
        for machine in machines:
            rating, series = machine.rating, taken[machine.id]
            assert isinstance(rating, DeferrableRating), "asked of machines alone"
            if not np.isfinite(series.values).any():
                left_out.append(LeftOut(subject=machine.id, message=_NOT_METERED))
                continue
            found, wh = works_of(machine.id, rating, series, runs.get(machine.id, ()))
            work += found
            taken_wh = taken_wh + wh
        return WorkFacts(work=work, taken_wh=taken_wh, left_out=tuple(left_out))

    async def _tank(self, model: SiteModel, tank: Asset, taken: Series) -> TankReplay | str:
        rating, span = tank.rating, taken.range
        assert isinstance(rating, TankRating), "asked of tanks alone"
        inside = model.point_of(tank.id, TEMPERATURE, span.start)
        outside = outdoor_point(model, tank.id, span.start)
        if inside is None:
            return "no temperature was metered in it"
        if outside is None and len(rating.heater.cop_points) > 1:
            return "no temperature was metered outside, on which its heater depends"
        if not np.isfinite(taken.values).any():
            return _NOT_METERED
        first = await self._meter.value_at(inside, span.start)
        celsius = await self._meter.readings(inside, span, taken.resolution, Reading.LAST)
        outdoor = np.zeros(len(taken))
        if outside is not None and len(rating.heater.cop_points) > 1:
            told = await self._meter.readings(outside, span, taken.resolution, Reading.MEAN)
            outdoor = told.values
        record = TankRecord(
            energy_wh=taken,
            celsius=celsius.values,
            outdoor_celsius=outdoor,
            first_celsius=np.nan if first is None else first,
        )
        return TankReplay(rating=rating, record=record)

    async def _runs_of(
        self, machines: Sequence[Asset], asked: TimeRange
    ) -> Mapping[AssetId, Sequence[PastRun]] | str:
        if self._runs is None:
            return "nobody says when its work might have been done"
        try:
            return await self._runs.runs(machines, asked)
        except Unavailable as error:
            return f"when its work might have been done is not known: {error.message}"

    async def _taken(
        self, energy: SiteEnergy, assets: Sequence[Asset], asked: TimeRange
    ) -> Mapping[AssetId, Series]:
        """Return what assets took less what they gave [Wh] in a span."""
        if not assets:
            return {}
        raster = energy.grid.import_wh.resolution
        found = await self._meter.energy([each.id for each in assets], asked, raster)
        return {name: each.import_wh.with_values(each.net_wh) for name, each in found.items()}


def _out(assets: Sequence[Asset], why: str) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(subject=each.id, message=why) for each in assets)
