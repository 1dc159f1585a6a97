"""Temperatures of zones beside what people want, as the newest plan has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_alerting.domain.comfort import (
    BEGINS_K,
    ENDS_K,
    Discomfort,
    discomfort,
    expected_kelvin_hours,
    widest,
)
from wattmesh_alerting.domain.condition import Condition, News, survey
from wattmesh_alerting.domain.latch import Latch
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import Asset, ComfortBand, HvacZoneRating, SiteModel
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_TEMPERATURE = "temperature_celsius"
_FRESH = timedelta(minutes=15)
_LOOK_BACK = timedelta(minutes=65)
_AT_ONCE = 1000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bands:
    """The bands of a plan's zones, interval by interval, and its name."""

    plan: str
    start: datetime
    resolution: timedelta
    by_zone: dict[str, tuple[ComfortBand, ...]]
    planned_celsius: dict[str, tuple[float, ...]]
    """Temperatures at the end of each interval, as the plan expects them."""

    @property
    def end(self) -> datetime:
        """When the plan's last interval ends."""
        count = max((len(each) for each in self.by_zone.values()), default=0)
        return self.start + count * self.resolution


class WantedBands:
    """What people want of zones by the newest plan: schedules and occupancy are in it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = planner_pb2_grpc.PlannerServiceStub(channel)
        self._bands: dict[str, _Bands] = {}

    async def refresh(self, scopes: set[str], now: datetime) -> None:
        """Read the newest plans of scopes, where they are other ones. Error: Unavailable."""
        self._bands = {scope: each for scope, each in self._bands.items() if scope in scopes}
        for scope in scopes:
            request = planner_pb2.ListPlansRequest(
                parent=scope,
                page_size=1,
                start_range=time_range_to_proto(TimeRange(now - _LOOK_BACK, now)),
            )
            with rpc_errors():
                plans = (await self._stub.ListPlans(request)).plans
                known = self._bands.get(scope)
                if plans and (known is None or known.plan != plans[0].name):
                    asked = planner_pb2.GetPlanRequest(name=plans[0].name)
                    self._bands[scope] = _bands((await self._stub.GetPlan(asked)).plan)

    def band(self, scope: str, zone: Asset, now: datetime) -> tuple[ComfortBand, str]:
        """Return what is wanted of a zone now, and the plan that says so; "": the rating does."""
        assert isinstance(zone.rating, HvacZoneRating), "asked of zones alone"
        bands = self._bands.get(scope)
        if bands is not None:
            of_zone = bands.by_zone.get(zone.id.name, ())
            index = (now - bands.start) // bands.resolution
            if 0 <= index < len(of_zone):
                return of_zone[index], bands.plan
        return widest(zone.rating), ""

    def ahead(self, scope: str, zone: Asset, now: datetime) -> str:
        """Return in words what the plan expects of a zone until its end; "": no plan tells."""
        assert isinstance(zone.rating, HvacZoneRating), "asked of zones alone"
        bands = self._bands.get(scope)
        celsius = () if bands is None else bands.planned_celsius.get(zone.id.name, ())
        if bands is None or not celsius or now >= bands.end:
            return ""
        first = max((now - bands.start) // bands.resolution, 0)
        kelvin_hours = expected_kelvin_hours(
            celsius[first:],
            bands.by_zone[zone.id.name][first:],
            zone.rating,
            bands.resolution / _HOUR,
        )
        return f"; at stake are {kelvin_hours:.1f} K h, by the plan until {bands.end:%H:%M} UTC"


class Comfort:
    """Looks at the temperatures of all zones."""

    def __init__(
        self, metering: grpc.aio.Channel, bands: WantedBands, view: SiteModelView, clock: Clock
    ) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(metering)
        self._bands = bands
        self._view = view
        self._clock = clock
        self._latch = Latch()

    async def __call__(self) -> list[News]:
        """Return which zones are uncomfortable. Error: Unavailable."""
        now, model = self._clock.now(), self._view.model
        zones = [each for each in model.assets.values() if isinstance(each.rating, HvacZoneRating)]
        await self._bands.refresh({_scope(model, each.id) for each in zones}, now)
        measured = await self._temperatures(model, zones, now)
        conditions = [
            condition
            for zone in zones
            if zone.id in measured
            for condition in self._judge(model, zone, measured[zone.id], now)
        ]
        return [survey((Rule.COMFORT,), conditions, now)]

    def _judge(
        self, model: SiteModel, zone: Asset, celsius: float, now: datetime
    ) -> Sequence[Condition]:
        assert isinstance(zone.rating, HvacZoneRating), "asked of zones alone"
        scope = _scope(model, zone.id)
        band, plan = self._bands.band(scope, zone, now)
        found = discomfort(celsius, band, zone.rating)
        if not self._latch.holds(zone.id, found.outside_k, begins=BEGINS_K, ends=ENDS_K):
            return ()
        return [_condition(zone, found, band, plan, self._bands.ahead(scope, zone, now), now)]

    async def _temperatures(
        self, model: SiteModel, zones: Sequence[Asset], now: datetime
    ) -> dict[AssetId, float]:
        """Return the temperatures of the zones that are metered and were lately [°C]."""
        points = {
            point.name: zone.id
            for zone in zones
            if (point := model.point_of(zone.id, _TEMPERATURE, now)) is not None
        }
        names, found = list(points), dict[AssetId, float]()
        for first in range(0, len(names), _AT_ONCE):
            request = metering_pb2.GetLatestReadingsRequest(points=names[first : first + _AT_ONCE])
            with rpc_errors():
                answer = await self._stub.GetLatestReadings(request)
            found |= {
                points[each.point]: each.value
                for each in answer.readings
                if each.point in points
                and now - datetime_from_proto(each.measure_time, "measure_time") <= _FRESH
            }
        return found


def _scope(model: SiteModel, zone: AssetId) -> str:
    group = model.group_of(zone.site)
    return zone.site.name if group is None else group.name


def _bands(plan: planner_pb2.Plan) -> _Bands:
    horizon = plan.problem.horizon
    return _Bands(
        plan=plan.name,
        start=datetime_from_proto(horizon.start_time, "horizon.start_time"),
        resolution=duration_from_proto(horizon.resolution, "horizon.resolution"),
        by_zone={
            asset.name: tuple(
                ComfortBand(min_temperature_celsius=low, max_temperature_celsius=high)
                for low, high in zip(
                    asset.hvac_zone.min_temperatures_celsius,
                    asset.hvac_zone.max_temperatures_celsius,
                    strict=True,
                )
            )
            for site in plan.problem.sites
            for asset in site.assets
            if asset.HasField("hvac_zone")
        },
        planned_celsius={
            asset.asset_name: tuple(asset.temperatures_celsius[1:])
            for site in plan.solution.sites
            for asset in site.assets
            if len(asset.temperatures_celsius) == horizon.count + 1
        },
    )


def _condition(
    zone: Asset, found: Discomfort, band: ComfortBand, plan: str, ahead: str, now: datetime
) -> Condition:
    low, high = band.min_temperature_celsius, band.max_temperature_celsius
    return Condition(
        rule=Rule.COMFORT,
        subject=zone.id.name,
        since=now,
        site=zone.id.site,
        description=f"{found.temperature_celsius:.1f} °C, where {low:.1f} to {high:.1f} are wanted"
        f"{ahead}",
        value=found.temperature_celsius,
        threshold=found.edge_celsius,
        unit="°C",
        links=(plan,) if plan else (),
    )
