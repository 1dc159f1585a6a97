"""Zones are judged by their thermometers; rows of a newer version beside this one stop nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from tests.fakes.control_metering import ControlMetering
from tests.fakes.control_model import device
from tests.fakes.control_process import (
    HOUR,
    ControlWorld,
    eventually,
    eventually_later,
    running_control,
)
from tests.fakes.manual_clock import ManualClock
from tests.fakes.series_meter import PowerAt
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import effect_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import Asset, DeviceFunction, MeterRole
from wattmesh_kernel.sites.thermal import ComfortBand, CopPoint, HeatPumpRating, HvacZoneRating
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SITE = SiteId("home-1")
ZONE = AssetId(SITE, "zone")
THERMOSTAT = "sites/home-1/devices/thermostat"
WARM = setpoint_pb2.SETPOINT_KIND_TEMPERATURE_CELSIUS


def warming(to_celsius: float) -> PowerAt:
    """Return a zone of 18 °C that goes to a temperature within an hour from ten o'clock on."""

    def measured(span: TimeRange, count: int) -> NDArray[np.float64]:
        dt = span.duration / count
        hours = np.array([(span.start + index * dt - T0) / HOUR for index in range(count)])
        noise = 0.02 * np.sin(hours * 997.0)
        celsius: NDArray[np.float64] = 18.0 + (to_celsius - 18.0) * np.clip(hours, 0.0, 1.0)
        return celsius + noise

    return measured


def drawing(power_w: float) -> PowerAt:
    """Return a plant that draws so much all day."""

    def measured(_span: TimeRange, count: int) -> NDArray[np.float64]:
        return np.full(count, power_w)

    return measured


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
async def control(database_url: str, clock: ManualClock) -> AsyncIterator[ControlWorld]:
    heating = HeatPumpRating(
        max_power_w=2000.0, cop_points=(CopPoint(outdoor_temperature_celsius=0.0, cop_ratio=3.0),)
    )
    band = ComfortBand(min_temperature_celsius=16.0, max_temperature_celsius=24.0)
    function = DeviceFunction(asset=ZONE, controls=True, meter_role=MeterRole.MAIN)
    thermostat = replace(
        device(DeviceId(SITE, "thermostat"), function),
        points=frozenset({"temperature_celsius", "active_power_w"}),
    )
    zone = Asset(id=ZONE, rating=HvacZoneRating(occupied_band=band, heating=heating))
    metering = ControlMetering(zone, thermostat)
    async with running_control(database_url, clock, metering) as world:
        yield world


@pytest.mark.parametrize(
    ("came_celsius", "draws_w", "effect"),
    [
        (21.0, None, effect_pb2.EFFECT_CONFIRMED),
        (19.0, None, effect_pb2.EFFECT_PARTIAL),
        (18.0, None, effect_pb2.EFFECT_NONE),
        (18.0, 0.0, effect_pb2.EFFECT_NONE),
        (18.0, 1900.0, effect_pb2.EFFECT_PARTIAL),
    ],
)
async def test_a_zone_is_judged_by_its_thermometer_and_by_what_its_plant_draws(
    control: ControlWorld,
    clock: ManualClock,
    came_celsius: float,
    draws_w: float | None,
    effect: int,
) -> None:
    powers = {f"{THERMOSTAT}/points/temperature_celsius": warming(came_celsius)}
    if draws_w is not None:
        powers[f"{THERMOSTAT}/points/active_power_w"] = drawing(draws_w)
    control.metering.powers = powers
    async with control.gateway():
        await control.submit(T0, [21.0, 21.0], device=THERMOSTAT, kind=WARM)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        clock.set(T0 + HOUR)
        await control.command_in(pb.COMMAND_STATE_VERIFIED, -1)

        async def final() -> pb.Command | None:
            (first, *_) = await control.commands()
            return first if first.effect_verdict.final else None

        command = await eventually_later(clock, QUARTER, final)
    verdict = command.effect_verdict
    assert (verdict.effect, verdict.asked_celsius) == (effect, 21.0)
    worked = verdict.reason == effect_pb2.EFFECT_REASON_WORKED
    assert worked == bool(draws_w)
    assert verdict.metered_celsius == pytest.approx(came_celsius, abs=0.3)
    assert verdict.basis == effect_pb2.EFFECT_BASIS_OWN_METER


async def test_what_a_newer_version_has_stored_is_carried_out_and_listed(
    control: ControlWorld, clock: ManualClock
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [20.0, 21.0], device=THERMOSTAT, kind=WARM)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        async with await psycopg.AsyncConnection.connect(control.database_url) as connection:
            await connection.execute("UPDATE control.proposals SET origin = 'auction'")
            await connection.execute(
                "UPDATE control.commands SET effect = 'none', effect_reason = 'invented',"
                ' effect_final = true, effect_document = \'{"effect": "sideways"}\''
            )
            await connection.execute("UPDATE control.device_events SET what = 'sold'")
        clock.set(T0 + HOUR)
        await gateway.dispatched(2)

        async def both() -> bool | None:
            return len(await control.commands()) == 2 or None

        await eventually(both)
        counts = (await control.statistics()).effects
    assert [each.value for each in gateway.dispatches] == [20.0, 21.0]
    assert effect_pb2.EFFECT_NONE in {each.effect for each in counts}
