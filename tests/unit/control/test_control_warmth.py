"""A temperature setpoint is judged by what measures the temperature, a switch by what it draws."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_control.domain.effects.asked import Ceiling, Level, Running, Warmth, asked_of
from wattmesh_control.domain.effects.evidence import Evidence
from wattmesh_control.domain.effects.level import judge_level
from wattmesh_control.domain.effects.steps import Edge
from wattmesh_control.domain.effects.verdict import (
    Effect,
    EffectBasis,
    EffectReason,
    EffectRule,
    EffectVerdict,
)
from wattmesh_control.domain.effects.warmth import judge_warmth
from wattmesh_control.domain.effects.windows import Held
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import DeferrableRating, EvChargerRating, GeneratorRating, TankRating
from wattmesh_kernel.sites.thermal import ComfortBand, CopPoint, HeatPumpRating, HvacZoneRating

HEAT_PUMP = DeviceId(SiteId("home-1"), "heat-pump")
T0 = datetime(2024, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SENT = T0 + 60 * MINUTE
HEATING = HeatPumpRating(
    max_power_w=3000.0, cop_points=(CopPoint(outdoor_temperature_celsius=0.0, cop_ratio=3.0),)
)
BAND = ComfortBand(min_temperature_celsius=18.0, max_temperature_celsius=24.0)


def temperature(end: float, *, minutes: int = 120, noise: float = 0.05) -> Series:
    """Return a zone that has 19 °C, and goes evenly to `end` from the command on."""
    rng = np.random.default_rng(1)
    before, after = np.full(60, 19.0), np.linspace(19.0, end, minutes)
    values = np.concatenate([before, after])
    return Series(T0, MINUTE, values + noise * rng.standard_normal(len(values)))


def verdict(
    end: float,
    asked: float = 21.0,
    *,
    cools: bool = False,
    minutes: int = 120,
    noise: float = 0.05,
) -> EffectVerdict:
    held = Held(sent=SENT, acknowledged=SENT, end=SENT + minutes * MINUTE)
    series = temperature(end, minutes=minutes, noise=noise)
    return judge_warmth(seen(series), held, wanted(asked, cools=cools))


def seen(own: Series | None, other: Series | None = None, plant: Series | None = None) -> Evidence:
    begin = Edge(device=HEAT_PUMP, begin=SENT, end=SENT)
    return Evidence(own=own, other=other, plant=plant, begin=begin)


def wanted(celsius: float, *, cools: bool = False) -> Warmth:
    return Warmth(celsius, warms=True, cools=cools, plant_w=3000.0)


@pytest.mark.parametrize(
    ("end", "effect"),
    [
        (21.0, Effect.CONFIRMED),
        (20.4, Effect.CONFIRMED),
        (19.7, Effect.PARTIAL),
        (19.0, Effect.NONE),
        (17.0, Effect.NONE),
    ],
)
def test_a_zone_is_judged_by_how_far_its_temperature_went(end: float, effect: Effect) -> None:
    found = verdict(end)
    assert (found.effect, found.basis) == (effect, EffectBasis.OWN)
    assert found.metered_celsius == pytest.approx(end, abs=0.15)
    assert found.asked_celsius == 21.0
    assert found.base_celsius == pytest.approx(19.0, abs=0.1)


def test_nothing_is_known_of_a_way_that_the_plant_cannot_go() -> None:
    warm = verdict(24.0, asked=21.0)
    assert (warm.effect, warm.reason) == (Effect.UNKNOWN, EffectReason.NOT_BINDING)
    assert verdict(19.0, asked=16.0).reason is EffectReason.NOT_BINDING
    assert verdict(19.0, asked=16.0, cools=True).effect is Effect.NONE


def test_what_was_warm_already_has_to_stay_so() -> None:
    stayed = verdict(19.3, asked=19.0)
    assert (stayed.effect, stayed.reason) == (Effect.CONFIRMED, EffectReason.NO_STEP)
    left = verdict(16.0, asked=19.0)
    assert (left.effect, left.reason) == (Effect.PARTIAL, EffectReason.LOST)


def test_a_zone_has_half_an_hour_and_a_sensor_that_stands_still_says_nothing() -> None:
    assert verdict(19.0, minutes=20).reason is EffectReason.TOO_SHORT
    assert verdict(19.0, noise=0.0).reason is EffectReason.METER_FROZEN
    held = Held(sent=SENT, acknowledged=SENT, end=SENT + 60 * MINUTE)
    assert judge_warmth(seen(None), held, wanted(21.0)).reason is EffectReason.NO_METER
    late = Held(sent=SENT, acknowledged=SENT, end=SENT + 600 * MINUTE)
    found = judge_warmth(seen(temperature(21.0)), late, wanted(21.0))
    assert found.reason is EffectReason.NOT_METERED


@pytest.mark.parametrize(
    ("before_w", "during_w", "effect", "reason"),
    [
        (0.0, 900.0, Effect.PARTIAL, EffectReason.WORKED),
        (2500.0, 2600.0, Effect.PARTIAL, EffectReason.WORKED),
        (900.0, 950.0, Effect.NONE, EffectReason.NONE),
        (0.0, 20.0, Effect.NONE, EffectReason.NONE),
    ],
)
def test_a_plant_that_works_against_the_weather_is_not_blamed_and_one_that_goes_on_as_before_is(
    before_w: float, during_w: float, effect: Effect, reason: EffectReason
) -> None:
    held = Held(sent=SENT, acknowledged=SENT, end=SENT + 120 * MINUTE)
    powers_w = np.concatenate([np.full(60, before_w), np.full(120, during_w)])
    evidence = seen(temperature(19.0), plant=Series(T0, MINUTE, powers_w))
    found = judge_warmth(evidence, held, wanted(21.0))
    assert (found.effect, found.reason) == (effect, reason)


def test_another_devices_word_goes_before_the_own() -> None:
    held = Held(sent=SENT, acknowledged=SENT, end=SENT + 120 * MINUTE)
    found = judge_warmth(seen(temperature(21.0), temperature(19.0)), held, wanted(21.0))
    assert (found.effect, found.basis) == (Effect.NONE, EffectBasis.METER)


def drawn(before_w: float, after_w: float) -> tuple[Effect, EffectReason]:
    rng = np.random.default_rng(2)
    values = np.concatenate([np.full(60, before_w), np.full(60, after_w)])
    series = Series(T0, MINUTE, values + rng.standard_normal(120))
    held = Held(sent=SENT, acknowledged=SENT, end=SENT + 60 * MINUTE)
    found = judge_level(series, held, Running(100.0), 20.0, EffectRule())
    return found.effect, found.reason


def test_what_was_switched_on_is_confirmed_once_it_draws_and_never_blamed_for_waiting() -> None:
    assert drawn(0.0, 2000.0) == (Effect.CONFIRMED, EffectReason.NONE)
    assert drawn(1900.0, 2000.0) == (Effect.CONFIRMED, EffectReason.NO_STEP)
    assert drawn(0.0, 10.0) == (Effect.UNKNOWN, EffectReason.NOTHING_TO_DO)


def test_what_is_asked_follows_from_the_kind_and_the_rating() -> None:
    zone = HvacZoneRating(occupied_band=BAND, heating=HEATING)
    tank = TankRating(
        capacity_wh_per_k=200.0,
        min_temperature_celsius=45.0,
        max_temperature_celsius=65.0,
        heater=HEATING,
    )
    on, warm = SetpointKind.ON_OFF, SetpointKind.TEMPERATURE_CELSIUS
    assert asked_of(warm, 21.0, zone) == Warmth(21.0, warms=True, cools=False, plant_w=3000.0)
    assert asked_of(warm, 55.0, tank) == Warmth(55.0, warms=True, cools=False, plant_w=3000.0)
    assert asked_of(on, 1.0, zone) == asked_of(on, 1.0, tank) == Running(150.0)
    assert asked_of(on, 0.0, tank) == Level(0.0)
    assert asked_of(on, 1.0, GeneratorRating(max_output_power_w=4000.0)) == Running(-200.0)
    deferrable = DeferrableRating(max_power_w=2000.0, min_power_w=0.0)
    assert asked_of(on, 1.0, deferrable) == Running(100.0)
    assert asked_of(on, 1.0, None) is asked_of(warm, 20.0, None) is None
    charger = EvChargerRating(max_current_a=16.0)
    assert asked_of(SetpointKind.CURRENT_A, 10.0, charger, 1) == Ceiling(2300.0)
