"""Alerts that rest on more than what is newest: money, comfort, carbon, data, limits of owners."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.fakes.alerting_world import AlertingWorld, WatchedMesh, running_alerting
from tests.fakes.control_metering import metered_home
from tests.fakes.control_model import device
from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh.alert.v1 import alert_pb2
from wattmesh.alert.v1 import alert_service_pb2 as pb
from wattmesh.control.v1 import control_pb2
from wattmesh.forecast.v1 import forecast_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh.status.v1 import status_pb2, status_pb2_grpc
from wattmesh_alerting.adapters.certificates import Certificates
from wattmesh_alerting.domain.condition import Survey
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId, TariffId, ZoneId
from wattmesh_kernel.sites import (
    Asset,
    ComfortBand,
    CopPoint,
    DeviceFunction,
    GridConnectionRating,
    HeatPumpRating,
    HvacZoneRating,
    LoadRating,
    MeterRole,
    PlanningGoals,
    Site,
)
from wattmesh_kernel.tariff import DemandCharge, EnergyRates, Tariff
from wattmesh_kernel.tariff.rates import TouPeriod
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 5, 22, 10, 5, tzinfo=UTC)
"""A Wednesday."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOME = SiteId("home-1")
GRID, ZONE = f"{HOME.name}/assets/grid", f"{HOME.name}/assets/zone"
METER, BATTERY = f"{HOME.name}/devices/meter", f"{HOME.name}/devices/battery"
TARIFF = Tariff(
    id=TariffId("t"),
    currency_code="EUR",
    import_rates=EnergyRates(tou_periods=(TouPeriod(name="all day", price_per_kwh=0.3),)),
    demand_charges=(DemandCharge(id="peak", price_per_kw=10.0, name="Peak demand"),),
)
SITE = Site(
    id=HOME,
    time_zone="UTC",
    currency_code="EUR",
    tariff=TARIFF.id,
    carbon_zone=ZoneId("de"),
    monthly_carbon_budget_gco2e=100_000.0,
    goals=PlanningGoals(carbon_price_per_kg=0.1),
)
PUMP = HeatPumpRating(
    max_power_w=2_000.0, cop_points=(CopPoint(outdoor_temperature_celsius=7.0, cop_ratio=3.0),)
)


def made(clock: ManualClock) -> WatchedMesh:
    """A home that has drawn 2 kW for weeks, with a zone and a load."""
    zone = AssetId(HOME, "zone")
    band = ComfortBand(min_temperature_celsius=18.0, max_temperature_celsius=24.0)
    sensor = replace(
        device(
            DeviceId(HOME, "sensor"),
            DeviceFunction(asset=zone, meter_role=MeterRole.MAIN),
        ),
        points=frozenset({"temperature_celsius"}),
    )
    mesh = WatchedMesh(
        clock,
        TARIFF,
        SITE,
        *(
            Asset(id=each.id, rating=GridConnectionRating(max_import_power_w=10_000.0))
            if isinstance(each, Asset) and isinstance(each.rating, GridConnectionRating)
            else each
            for each in metered_home("home-1")
        ),
        Asset(id=zone, rating=HvacZoneRating(occupied_band=band, heating=PUMP)),
        Asset(id=AssetId(HOME, "load"), rating=LoadRating()),
        sensor,
    )
    mesh.power_w[GRID] = lambda _: 2_000.0
    return mesh


@asynccontextmanager
async def world_at(database_url: str) -> AsyncIterator[AlertingWorld]:
    clock = ManualClock(T0)
    async with running_alerting(database_url, clock, made(clock)) as running:
        yield running


async def fires(
    world: AlertingWorld, rule: str, *, step: timedelta = 10 * MINUTE, until: timedelta = 9 * HOUR
) -> alert_pb2.Alert:
    """Wait, with time that passes, until an alert of a rule fires; return it."""
    wanted = alert_pb2.AlertRule.Value(f"ALERT_RULE_{rule}")
    request = pb.ListAlertsRequest(states=[alert_pb2.ALERT_STATE_FIRING], rules=[wanted])
    last = world.clock.now() + until
    found: list[alert_pb2.Alert] = []

    async def there() -> bool:
        found[:] = (await world.stub.ListAlerts(request)).alerts
        if not found and world.clock.now() < last:
            await asyncio.sleep(0.15)
            world.clock.advance(step)
        return bool(found)

    await eventually(there, 40)
    return found[0]


async def over(world: AlertingWorld, alert: alert_pb2.Alert, *, step: timedelta = HOUR) -> None:
    """Wait, with time that passes, until an alert is over."""

    async def gone() -> bool:
        answer = await world.stub.GetAlert(pb.GetAlertRequest(name=alert.name))
        if answer.alert.state == alert_pb2.ALERT_STATE_FIRING:
            await asyncio.sleep(0.15)
            world.clock.advance(step)
            return False
        return True

    await eventually(gone, 40)


async def test_a_peak_about_to_be_set_says_what_it_costs_and_how_long_there_is(
    database_url: str,
) -> None:
    async with world_at(database_url) as world:
        world.mesh.power_w[GRID] = lambda at: 8_000.0 if at >= T0 - 5 * MINUTE else 2_000.0
        alert = await fires(world, "PEAK_NEAR", step=MINUTE / 2)
        assert alert.subject == HOME.name
        assert alert.value == pytest.approx(8.0)
        assert alert.threshold_value == pytest.approx(2.0)
        assert (alert.at_stake.amount, alert.at_stake.currency_code) == ("60.00", "EUR")
        assert timedelta(0) < alert.time_left.ToTimedelta() <= 10 * MINUTE
        assert "Peak demand" in alert.description
        assert TARIFF.id.name in alert.links


async def test_what_is_judged_now_and_then_is_told_with_what_is_at_stake(
    database_url: str,
) -> None:
    """One world: cost of the day, data, carbon, forecasts and comfort."""
    async with world_at(database_url) as world:
        mesh, midnight = world.mesh, T0.replace(hour=0, minute=0)
        mesh.power_w[GRID] = lambda at: 5_000.0 if at >= midnight else 2_000.0
        pv = f"{HOME.name}/assets/pv"
        mesh.power_w[pv] = lambda at: float("nan") if at >= T0 - 12 * HOUR else -500.0
        mesh.flags = [
            metering_pb2.ReadingFlag(
                point=f"{METER}/points/import_energy_wh",
                kind=metering_pb2.READING_FLAG_KIND_SIGN,
            )
        ]
        mesh.month_gco2e = 90_000.0
        mesh.evaluation = forecast_pb2.EvaluateForecastsResponse(
            wape_ratio=0.2,
            naive_wape_ratio=0.25,
            compared=600,
            forecasts_by_source={"model:load/3": 24},
        )
        mesh.model_version = forecast_pb2.Model(
            name="models/load/versions/3", holdout_wape_ratio=0.1, holdout_naive_wape_ratio=0.2
        )
        mesh.plans = [plan_with(21.0, 23.0)]
        mesh.live[f"{HOME.name}/devices/sensor/points/temperature_celsius"] = 19.5

        cold = await fires(world, "COMFORT")
        assert (cold.subject, cold.value, cold.threshold_value) == (ZONE, 19.5, 21.0)
        assert "21.0 to 23.0 are wanted; at stake are 19" in cold.description
        assert "K h, by the plan" in cold.description, "a kelvin for what is left of 200 hours"
        assert list(cold.links) == ["plans/p"], "the band is the plan's, not the rating's"

        drift = await fires(world, "FORECAST_DRIFT")
        assert drift.value == pytest.approx(0.8)
        assert drift.threshold_value == pytest.approx(0.6), "half of the naive error was promised"

        dear = await fires(world, "UNEXPECTED_COST")
        hours = (world.clock.now() - midnight) // HOUR
        assert float(dear.at_stake.amount) == pytest.approx(0.9 * hours, abs=1.9)
        assert "so far today" in dear.description

        data = await fires(world, "DATA_QUALITY")
        assert data.value < 0.6
        assert f"{pv} was metered" in data.description
        assert "import and export swapped" in data.description

        carbon = await fires(world, "CARBON_BUDGET")
        assert mesh.footprint_ranges[0].start == datetime(2024, 5, 1, tzinfo=UTC)
        beyond_kg = 90 / (21.4 / 31) - 100
        assert float(carbon.at_stake.amount) == pytest.approx(0.1 * beyond_kg, rel=0.1)
        assert carbon.time_left.ToTimedelta() > DAY

        mesh.live[f"{HOME.name}/devices/sensor/points/temperature_celsius"] = 21.5
        await over(world, cold, step=5 * MINUTE)


def plan_with(low_celsius: float, high_celsius: float) -> planner_pb2.Plan:
    """A plan whose zone is wanted in a band for as long as any test lasts."""
    zone = asset_pb2.HvacZone(
        min_temperatures_celsius=[low_celsius] * 200,
        max_temperatures_celsius=[high_celsius] * 200,
    )
    return planner_pb2.Plan(
        name="plans/p",
        scope=HOME.name,
        state=planner_pb2.PLAN_STATE_MADE,
        target_range=time_range_to_proto(TimeRange.of(T0, HOUR)),
        problem=problem_pb2.Problem(
            horizon=problem_pb2.Horizon(
                start_time=timestamp_to_proto(T0 - HOUR),
                resolution=duration_to_proto(HOUR),
                count=200,
            ),
            sites=[
                problem_pb2.Site(
                    name=HOME.name, assets=[asset_pb2.Asset(name=ZONE, hvac_zone=zone)]
                )
            ],
        ),
        solution=plan_pb2.Plan(
            sites=[
                plan_pb2.SitePlan(
                    assets=[
                        plan_pb2.AssetPlan(
                            asset_name=ZONE, temperatures_celsius=[low_celsius - 1.0] * 201
                        )
                    ]
                )
            ]
        ),
    )


async def test_an_owners_limit_is_watched_on_site_and_device_and_ends_with_it(
    database_url: str,
) -> None:
    async with world_at(database_url) as world:
        mesh = world.mesh
        mesh.live = {f"{METER}/points/active_power_w": 6_000.0}
        mesh.live[f"{BATTERY}/points/active_power_w"] = 1_900.0
        mesh.limits = [
            limit("limits/a", HOME.name, 4_000.0),
            limit("limits/b", BATTERY, 2_000.0),
            limit("limits/c", HOME.name, 1_000.0, begins=T0 + 300 * DAY),
        ]
        beyond = await fires(world, "LIMIT_EXCEEDED", step=MINUTE)
        assert (beyond.subject, beyond.value, beyond.threshold_value) == (HOME.name, 6e3, 4e3)
        assert "grid-operator (limits/a)" in beyond.description
        near = await fires(world, "LIMIT_NEAR", step=MINUTE)
        assert (near.subject, near.site) == (BATTERY, HOME.name)
        mesh.limits = mesh.limits[1:]
        await over(world, beyond, step=MINUTE)


def limit(
    name: str, subject: str, max_power_w: float, begins: datetime | None = None
) -> control_pb2.Limit:
    return control_pb2.Limit(
        name=name,
        subject=subject,
        owner="grid-operator",
        max_power_w=max_power_w,
        start_time=None if begins is None else timestamp_to_proto(begins),
        expire_time=timestamp_to_proto(T0 + 400 * DAY),
    )


class Shown(status_pb2_grpc.StatusServiceServicer):
    """Says when its certificate holds."""

    def __init__(self, holds: TimeRange | None) -> None:
        self.holds = holds

    async def GetCatalogue(  # noqa: N802
        self, request: status_pb2.GetCatalogueRequest, context: Any
    ) -> status_pb2.GetCatalogueResponse:
        return status_pb2.GetCatalogueResponse()

    async def GetStatus(  # noqa: N802
        self, request: status_pb2.GetStatusRequest, context: Any
    ) -> status_pb2.GetStatusResponse:
        held = None if self.holds is None else time_range_to_proto(self.holds)
        return status_pb2.GetStatusResponse(certificate_range=held)


async def test_a_certificate_is_told_of_once_its_last_sixth_has_begun() -> None:
    wall = datetime.now(UTC)
    shown = Shown(TimeRange(wall - 50 * DAY, wall + 40 * DAY))
    server = grpc.aio.server()
    status_pb2_grpc.add_StatusServiceServicer_to_server(shown, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        look = Certificates({"metering": channel}, ManualClock(T0))

        async def ending() -> list[str]:
            (found,) = await look()
            assert isinstance(found, Survey)
            return [each.subject for each in found.conditions]

        assert await ending() == []
        shown.holds = TimeRange(wall - 80 * DAY, wall + 10 * DAY)
        assert await ending() == ["services/metering"]
        await server.stop(None)
        assert await ending() == ["services/metering"], "one that is away has none that is new"
