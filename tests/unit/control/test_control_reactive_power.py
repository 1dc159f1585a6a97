"""Reactive power is told to those who take it, and judged by what measures it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_control.domain.controllable import ControllableDevice, NotSteered, controllable
from wattmesh_control.domain.effects.asked import Reactive, asked_of
from wattmesh_control.domain.effects.evidence import Evidence, Question
from wattmesh_control.domain.effects.judge import judge
from wattmesh_control.domain.effects.sources import reactive_sources_of
from wattmesh_control.domain.effects.steps import Edge
from wattmesh_control.domain.effects.verdict import Effect, EffectBasis, EffectReason, EffectRule
from wattmesh_control.domain.effects.windows import Floats, Held
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    DeviceFunction,
    MeterRole,
    MqttConnection,
    SiteModel,
    SiteModelChange,
)

T0 = datetime(2024, 5, 1, tzinfo=UTC)
STEP = timedelta(seconds=5)
SITE = SiteId("home-1")
BATTERY, METER = DeviceId(SITE, "battery"), DeviceId(SITE, "check")
ASSET = AssetId(SITE, "battery")
VAR = SetpointKind.REACTIVE_POWER_VAR
RULE = EffectRule()


def series(before_var: float, after_var: float) -> Series:
    noise = np.random.default_rng(2).normal(0.0, 3.0, 300)
    values: Floats = noise + np.where(np.arange(300) >= 100, after_var, before_var)
    return Series(T0, STEP, values)


def verdict(own: Series | None, other: Series | None = None) -> tuple[Effect, EffectReason]:
    begin, end = T0 + 100 * STEP, T0 + 280 * STEP
    asked = asked_of(VAR, -800.0, None)
    assert asked == Reactive(-800.0)
    found = judge(
        Question(held=Held(sent=begin, acknowledged=begin, end=end), asked=asked, tolerance_w=80.0),
        Evidence(own=own, other=other, begin=Edge(device=BATTERY, begin=begin, end=begin)),
        RULE,
    )
    assert found.asked_power_w is None, "nothing is said of active power"
    assert found.asked_var == -800.0
    assert (found.basis is EffectBasis.NOTHING) == (found.effect is Effect.UNKNOWN)
    return found.effect, found.reason


@pytest.mark.parametrize(
    ("came_var", "effect"),
    [
        (-800.0, Effect.CONFIRMED),
        (-300.0, Effect.PARTIAL),
        (0.0, Effect.NONE),
        (800.0, Effect.CONTRARY),
    ],
)
def test_what_a_device_makes_of_reactive_power_is_read_from_its_var_register(
    came_var: float, effect: Effect
) -> None:
    assert verdict(series(0.0, came_var)) == (effect, EffectReason.NONE)


def test_another_meter_of_the_asset_goes_before_the_devices_own() -> None:
    assert verdict(series(0.0, -800.0), series(0.0, 0.0)) == (
        Effect.NONE,
        EffectReason.OWN_METER_CONTRADICTED,
    )


def test_without_a_var_register_nothing_is_known() -> None:
    assert verdict(None) == (Effect.UNKNOWN, EffectReason.NO_METER)


def model(*kinds: SetpointKind, apparent_va: float | None = 6000.0) -> SiteModel:
    rating = BatteryRating(
        capacity_wh=10_000.0,
        max_charge_power_w=5000.0,
        max_discharge_power_w=5000.0,
        max_apparent_power_va=apparent_va,
    )
    function = DeviceFunction(
        asset=ASSET,
        controls=True,
        meter_role=MeterRole.MAIN,
        setpoint_kinds=frozenset(kinds),
    )
    battery = Device(
        id=BATTERY,
        profile="sunspec-battery",
        gateway=GatewayId("local"),
        connection=MqttConnection(address="battery"),
        functions=(function,),
        points=frozenset({"active_power_w", "reactive_power_var"}),
        reporting_interval=STEP,
    )
    change = SiteModelChange(revision=1, changed=(Asset(id=ASSET, rating=rating), battery))
    return SiteModel().apply(change)


def taken(model: SiteModel) -> bool:
    found = controllable(model, BATTERY, T0)
    assert isinstance(found, ControllableDevice)
    return not isinstance(found.steering(VAR), NotSteered)


def test_reactive_power_is_taken_where_the_site_model_says_so_up_to_what_the_inverter_bears() -> (
    None
):
    assert taken(model(SetpointKind.ACTIVE_POWER_W, VAR))
    assert not taken(model()), "a battery does not take it just because it has an inverter"
    assert not taken(model(VAR, SetpointKind.ACTIVE_POWER_W, apparent_va=None))
    found = controllable(model(VAR), BATTERY, T0)
    assert isinstance(found, ControllableDevice)
    envelope = found.steerings[VAR].envelope
    assert (envelope.low, envelope.high) == (-6000.0, 6000.0)


def test_the_var_point_of_the_device_is_asked() -> None:
    sources = reactive_sources_of(model(VAR), BATTERY, ASSET, T0)
    assert sources.own is not None
    assert sources.own.power == model(VAR).devices[BATTERY].point("reactive_power_var")
    assert (sources.other, sources.grid) == (None, None)
