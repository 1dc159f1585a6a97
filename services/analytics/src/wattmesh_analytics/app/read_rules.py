"""Read what vehicles and zones would have done by their plain rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from wattmesh_analytics.app.ports import Meter, Reading
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.rule_facts import ChargingFacts, ZoneFact, ZoneFacts
from wattmesh_analytics.app.rule_ports import Stays, Wishes, ZoneAnswer, ZoneModels
from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_analytics.domain.moved import Moved
from wattmesh_analytics.domain.savings import LeftOut
from wattmesh_analytics.domain.site_energy import AssetKind, Counterfactual, SiteEnergy
from wattmesh_analytics.domain.thermostat import ZonePlant, ZoneRecord, ZoneRun, keep_schedule
from wattmesh_kernel.comfort import ZoneWishes, bands
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import (
    Asset,
    EvChargerRating,
    GridConnectionRating,
    HvacZoneRating,
    SiteModel,
)
from wattmesh_kernel.time import TimeRange

TEMPERATURE, OUTDOOR = "temperature_celsius", "outdoor_temperature_celsius"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """A site's energy with what its assets would have done, and what goes with it.

    `stored_kwh`: what is left more at the end in zones and vehicles [kWh]; `discomfort` as metered
    and by rule [K h], None: no zone is compared.
    """

    energy: SiteEnergy
    stored_kwh: float = 0.0
    discomfort: tuple[float, float] | None = None
    left_out: tuple[LeftOut, ...] = ()


class ReadRules:
    """Reads what a counterfactual needs beside energies; rules begin with the span asked about."""

    def __init__(
        self,
        *,
        meter: Meter,
        stays: Stays | None,
        wishes: Wishes | None,
        models: ZoneModels | None,
    ) -> None:
        self._meter = meter
        self._energy = ReadEnergy(meter)
        self._stays = stays
        self._wishes = wishes
        self._models = models

    async def __call__(
        self,
        model: SiteModel,
        energy: SiteEnergy,
        asked: TimeRange,
        counterfactual: Counterfactual | None,
        as_of: datetime | None = None,
    ) -> Ruled:
        """Return the energy with all that a counterfactual needs.

        What cannot be moved stays as metered, and is named; as_of holds for energies alone.
        """
        if counterfactual is None:
            return Ruled(energy=energy)
        if counterfactual is Counterfactual.SELF_CONSUMPTION:
            return Ruled(energy=await self._energy.with_charge(model, energy, asked.start))
        ruled = Ruled(energy=energy)
        if AssetKind.CLIMATE in counterfactual.kinds:
            ruled = await self._climate(model, ruled, asked, as_of)
        if AssetKind.CHARGING in counterfactual.kinds:
            idle = AssetKind.STORAGE in counterfactual.kinds
            ruled = await self._charging(model, ruled, asked, as_of, idle=idle)
        return ruled

    async def _charging(
        self,
        model: SiteModel,
        ruled: Ruled,
        asked: TimeRange,
        as_of: datetime | None,
        *,
        idle: bool,
    ) -> Ruled:
        energy = ruled.energy
        told = await self.charging_of(model, energy, asked, as_of)
        found = told.at_once(energy, asked, connection_w(model, energy), idle=idle)
        moved = {name: padded(told.nets[name], each) for name, each in found.chargers.items()}
        return replace(
            ruled,
            energy=replace(energy, charging=moved),
            stored_kwh=ruled.stored_kwh + found.lacking_wh / 1000,
            left_out=(*ruled.left_out, *told.left_out),
        )

    async def charging_of(
        self,
        model: SiteModel,
        energy: SiteEnergy,
        asked: TimeRange,
        as_of: datetime | None = None,
    ) -> ChargingFacts:
        """Return what charge points took, and who was there; or why that is not known."""
        chargers = _of_kind(model, energy, EvChargerRating)
        if not chargers:
            return ChargingFacts()
        if self._stays is None:
            return ChargingFacts(left_out=_out(chargers, "nobody says who was at its charge point"))
        try:
            stays = await self._stays.stays(chargers, asked)
        except Unavailable as error:
            return ChargingFacts(
                left_out=_out(chargers, f"who was there is not known: {error.message}")
            )
        taken = await self._taken(energy, chargers, as_of)
        nets = {name: one.import_wh.with_values(one.net_wh) for name, one in taken.items()}
        return ChargingFacts(nets=nets, stays=stays)

    async def _climate(
        self, model: SiteModel, ruled: Ruled, asked: TimeRange, as_of: datetime | None
    ) -> Ruled:
        told = await self.zones_of(model, ruled.energy, asked, as_of)
        runs = {
            name: (each.net, keep_schedule(each.record, each.plant))
            for name, each in told.zones.items()
        }
        return replace(
            ruled,
            energy=replace(
                ruled.energy,
                climate={name: padded(net, run.moved) for name, (net, run) in runs.items()},
            ),
            stored_kwh=ruled.stored_kwh + sum(run.stored_wh for _, run in runs.values()) / 1000,
            discomfort=discomforts([run for _, run in runs.values()]),
            left_out=(*ruled.left_out, *told.left_out),
        )

    async def zones_of(
        self,
        model: SiteModel,
        energy: SiteEnergy,
        asked: TimeRange,
        as_of: datetime | None = None,
    ) -> ZoneFacts:
        """Return zones that can be run again, and why others cannot."""
        zones = _of_kind(model, energy, HvacZoneRating)
        if not zones:
            return ZoneFacts()
        if self._wishes is None or self._models is None:
            why = "nobody says what was wanted of it, and how it answers"
            return ZoneFacts(left_out=_out(zones, why))
        try:
            wishes = await self._wishes.wishes(energy.site, asked)
            answers = await self._models.answers([each.id for each in zones])
        except Unavailable as error:
            return ZoneFacts(left_out=_out(zones, f"how it answers is not known: {error.message}"))
        taken = await self._taken(energy, zones, as_of)
        found, left_out = dict[AssetId, ZoneFact](), list[LeftOut]()
        for zone in zones:
            net = taken[zone.id].import_wh
            plant = _plant(zone, answers.get(zone.id, "nothing is known of it"))
            record = await self._record(
                model, zone, net.window(asked), wishes.get(zone.id, ZoneWishes()), energy
            )
            missing = plant if isinstance(plant, str) else record
            if isinstance(plant, str) or isinstance(record, str):
                left_out.append(LeftOut(subject=zone.id, message=str(missing)))
            else:
                found[zone.id] = ZoneFact(zone=zone, net=net, record=record, plant=plant)
        return ZoneFacts(zones=found, left_out=tuple(left_out))

    async def _record(
        self, model: SiteModel, zone: Asset, net: Series, wishes: ZoneWishes, energy: SiteEnergy
    ) -> ZoneRecord | str:
        """Return what was measured of a zone, or what of it was not."""
        span, raster = net.range, net.resolution
        inside = model.point_of(zone.id, TEMPERATURE, span.start)
        outside = outdoor_point(model, zone.id, span.start)
        if inside is None or outside is None:
            where = "inside" if inside is None else "outside"
            return f"no temperature was metered {where}"
        first = await self._meter.value_at(inside, span.start)
        air = await self._meter.readings(inside, span, raster, Reading.LAST)
        outdoor = await self._meter.readings(outside, span, raster, Reading.MEAN)
        low, high = zone_bands(zone, wishes, span, raster, energy)
        return ZoneRecord(
            energy_wh=net,
            air_celsius=air.values,
            outdoor_celsius=outdoor.values,
            low_celsius=low,
            high_celsius=high,
            first_celsius=np.nan if first is None else first,
        )

    async def _taken(
        self, energy: SiteEnergy, assets: Sequence[Asset], as_of: datetime | None
    ) -> Mapping[AssetId, Energy]:
        grid = energy.grid
        names = [each.id for each in assets]
        return await self._meter.energy(names, grid.range, grid.import_wh.resolution, as_of)


def outdoor_point(model: SiteModel, asset: AssetId, at: datetime) -> PointId | None:
    """Return where it is measured how warm it is outside: at the asset, else at its site."""
    names = [asset, *sorted(each.id for each in model.assets_of(asset.site))]
    points = (model.point_of(name, OUTDOOR, at) for name in names)
    return next((point for point in points if point is not None), None)


def zone_bands(
    zone: Asset, wishes: ZoneWishes, span: TimeRange, raster: timedelta, energy: SiteEnergy
) -> tuple[Floats, Floats]:
    """Return the lower and the upper edge of what was wanted of a zone in each interval [°C]."""
    assert isinstance(zone.rating, HvacZoneRating), "asked of zones alone"
    starts = [span.start + index * raster for index in range(span.count(raster))]
    low, high = bands(zone.rating, wishes, (), starts, energy.zone)
    return np.array(low), np.array(high)


def _of_kind(model: SiteModel, energy: SiteEnergy, kind: type) -> list[Asset]:
    return [each for each in model.assets_of(energy.site) if isinstance(each.rating, kind)]


def _out(assets: Sequence[Asset], why: str) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(subject=each.id, message=why) for each in assets)


def connection_w(model: SiteModel, energy: SiteEnergy) -> float:
    """Return what a site's connections may import together [W]; inf: no limit is known."""
    limits = [
        np.inf if each.rating.max_import_power_w is None else each.rating.max_import_power_w
        for each in model.assets_of(energy.site)
        if isinstance(each.rating, GridConnectionRating)
    ]
    return sum(limits)


def padded(metered: Series, moved: Moved) -> Moved:
    """Return what was moved as a part of a longer time, in which the rest is as metered."""
    values = metered.values.copy()
    first = (moved.ruled.start - metered.start) // metered.resolution
    values[first : first + len(moved.ruled)] = moved.ruled.values
    return Moved(metered=metered, ruled=metered.with_values(values))


def _plant(zone: Asset, answer: ZoneAnswer | str) -> ZonePlant | str:
    """Return a zone's machine and how it answers: as identified, else as its rating has it."""
    rating = zone.rating
    assert isinstance(rating, HvacZoneRating), "asked of zones alone"
    heats, cools = rating.heating, rating.cooling
    if isinstance(answer, str):
        if rating.thermal_model is None:
            return answer
        answer = ZoneAnswer(
            model=rating.thermal_model,
            heating_cop=heats.cop_points if heats is not None else (),
            cooling_cop=cools.cop_points if cools is not None else (),
        )
    return ZonePlant(
        model=answer.model,
        heating_w=heats.max_power_w if heats is not None and answer.heating_cop else 0.0,
        cooling_w=cools.max_power_w if cools is not None and answer.cooling_cop else 0.0,
        heating_cop=answer.heating_cop,
        cooling_cop=answer.cooling_cop,
    )


def discomforts(runs: Sequence[ZoneRun]) -> tuple[float, float] | None:
    """Return the discomfort of zones as metered and as ruled [K h]; None: there is no zone."""
    if not runs:
        return None
    return sum(each.metered_kelvin_hours for each in runs), sum(
        each.ruled_kelvin_hours for each in runs
    )
