"""Clamping: nothing is ever sent that one of the limits forbids."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.control_model import BATTERY_ID
from wattmesh_control.domain.envelope import Envelope, Envelopes, envelopes_of
from wattmesh_control.domain.limits import Accepted, Clamped, Limit, LimitSet, Refused
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, LimitId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    Phase,
    PvRating,
    Rating,
)
from wattmesh_kernel.sites.thermal import ComfortBand, CopPoint, HeatPumpRating, HvacZoneRating

LATER = datetime(2024, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
POWER = SetpointKind.ACTIVE_POWER_W


def envelopes(rating: Rating) -> Envelopes:
    return envelopes_of(Asset(id=AssetId(BATTERY_ID.site, "asset"), rating=rating))


def battery(charge_w: float, discharge_w: float) -> Envelope:
    rating = BatteryRating(
        capacity_wh=1.0, max_charge_power_w=charge_w, max_discharge_power_w=discharge_w
    )
    return envelopes(rating)[POWER]


BATTERY = battery(5000.0, 4000.0)
CHARGER = envelopes(EvChargerRating(max_current_a=16.0, min_current_a=6.0))
HEATING = HeatPumpRating(
    max_power_w=3000.0, cop_points=(CopPoint(outdoor_temperature_celsius=0.0, cop_ratio=1.0),)
)


def limit(low: float | None = None, high: float | None = None, owner: str = "grid") -> Limit:
    return Limit(
        limit=LimitId("a"),
        subject=BATTERY_ID.name,
        owner=owner,
        min_power_w=low,
        max_power_w=high,
        expire_time=LATER,
        reason="a test",
    )


def test_a_value_inside_is_taken_as_it_is() -> None:
    assert LimitSet(POWER, BATTERY).clamp(-4000.0) == Accepted(-4000.0)


def test_the_nearest_allowed_value_is_taken_and_the_words_name_who_allows_it() -> None:
    answer = LimitSet(POWER, BATTERY, [limit(high=2000.0)]).clamp(3000.0)
    assert answer == Clamped(
        2000.0, "3000 W asked, the limit of grid (a test) allows at most 2000 W"
    )
    assert LimitSet(POWER, BATTERY).clamp(-4500.0) == Clamped(
        -4000.0, "-4500 W asked, the device allows at least -4000 W"
    )


def test_limits_without_common_value_refuse_and_name_both_owners() -> None:
    limits = [limit(low=1000.0, owner="trader"), limit(high=500.0, owner="grid")]
    answer = LimitSet(POWER, BATTERY, limits).clamp(700.0)
    assert isinstance(answer, Refused)
    assert "trader" in answer.reason
    assert "grid" in answer.reason


def test_a_power_limit_bounds_a_current_by_its_power() -> None:
    current = LimitSet(
        SetpointKind.CURRENT_A, CHARGER[SetpointKind.CURRENT_A], [limit(high=6900.0)]
    )
    assert current.clamp(16.0) == Clamped(
        10.0, "16 A asked, the limit of grid (a test) allows at most 10 A"
    )


def test_a_power_limit_bounds_a_current_on_one_conductor_by_what_flows_there() -> None:
    current = CHARGER[SetpointKind.CURRENT_A]
    bounded = [limit(high=3680.0)]
    three, one = (
        LimitSet(SetpointKind.CURRENT_A, envelope, bounded).clamp(16.0)
        for envelope in (current.on(Phase.THREE), current.on(Phase.L2))
    )
    assert isinstance(three, Clamped)
    assert three.value == 0.0, "5.3 A are less than the least"
    assert one == Accepted(16.0)
    power = CHARGER[SetpointKind.ACTIVE_POWER_W]
    assert power.on(Phase.L2) == power, "a power is what it is, in whatever conductor"
    single = Asset(
        id=AssetId(BATTERY_ID.site, "asset"),
        rating=EvChargerRating(max_current_a=16.0),
        phase=Phase.L1,
    )
    own = envelopes_of(single)[SetpointKind.CURRENT_A]
    assert own.on(Phase.L2) == own, "it has no other conductor"


def test_a_charger_below_its_lowest_current_goes_to_the_nearest_it_can_do() -> None:
    current = LimitSet(SetpointKind.CURRENT_A, CHARGER[SetpointKind.CURRENT_A])
    assert isinstance(current.clamp(5.0), Clamped)
    assert current.clamp(5.0) == Clamped(
        6.0, "5 A asked, the device cannot do that: 6 A is the nearest"
    )
    assert current.clamp(1.0) == Clamped(
        0.0, "1 A asked, the device cannot do that: 0 A is the nearest"
    )
    limited = LimitSet(
        SetpointKind.CURRENT_A, CHARGER[SetpointKind.CURRENT_A], [limit(high=2000.0)]
    )
    assert limited.clamp(16.0).value == 0.0  # type: ignore[union-attr]


def test_a_generation_limit_is_bounded_by_the_power_given_out() -> None:
    envelope = envelopes(PvRating(peak_power_w=4000.0, curtailable=True))[
        SetpointKind.GENERATION_LIMIT_W
    ]
    limits = LimitSet(SetpointKind.GENERATION_LIMIT_W, envelope, [limit(low=-1500.0)])
    assert limits.clamp(4000.0).value == 1500.0  # type: ignore[union-attr]


def test_work_too_strong_for_a_limit_is_switched_off() -> None:
    envelope = envelopes(DeferrableRating(max_power_w=2000.0))[SetpointKind.ON_OFF]
    answer = LimitSet(SetpointKind.ON_OFF, envelope, [limit(high=1500.0)]).clamp(1.0)
    assert answer == Clamped(0.0, "on asked, the limit of grid (a test) allows at most off")


def test_a_limit_that_forces_a_generator_into_what_it_cannot_do_refuses() -> None:
    rating = GeneratorRating(min_output_power_w=1000.0, max_output_power_w=3000.0)
    envelope = envelopes(rating)[POWER]
    limits = [limit(low=-800.0, high=-200.0)]
    assert isinstance(LimitSet(POWER, envelope, limits).clamp(-500.0), Refused)


def test_a_power_limit_forbids_a_setpoint_without_power() -> None:
    band = ComfortBand(min_temperature_celsius=20.0, max_temperature_celsius=24.0)
    zone = HvacZoneRating(occupied_band=band, heating=HEATING)
    set_back = replace(
        zone, unoccupied_band=ComfortBand(min_temperature_celsius=16, max_temperature_celsius=28)
    )
    assert envelopes(set_back)[SetpointKind.TEMPERATURE_CELSIUS].admits(17.0)
    envelope = envelopes(zone)[SetpointKind.TEMPERATURE_CELSIUS]
    assert LimitSet(SetpointKind.TEMPERATURE_CELSIUS, envelope).clamp(26.0).value == 24.0  # type: ignore[union-attr]
    limited = LimitSet(SetpointKind.TEMPERATURE_CELSIUS, envelope, [limit(high=1000.0)])
    assert isinstance(limited.clamp(22.0), Refused)


@pytest.mark.parametrize(
    ("low", "high"), [(None, None), (2.0, 1.0), (float("nan"), None), (None, float("inf"))]
)
def test_a_limit_that_makes_no_sense_is_refused(low: float | None, high: float | None) -> None:
    with pytest.raises(InvalidArgument):
        limit(low, high)


def test_a_limit_counts_from_its_start_to_its_end_and_cannot_end_before() -> None:
    later = Limit(
        limit=LimitId("a"),
        subject=BATTERY_ID.name,
        owner="grid",
        max_power_w=1.0,
        start_time=LATER,
        expire_time=LATER + HOUR,
    )
    times = (LATER - HOUR, LATER, LATER + HOUR)
    assert [later.in_force(time) for time in times] == [False, True, False]
    with pytest.raises(InvalidArgument):
        replace(later, expire_time=LATER)
    for owner in ("", "x" * 129, "a\x00b"):
        with pytest.raises(InvalidArgument):
            replace(later, owner=owner)


def test_an_envelope_without_room_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        Envelope(low=1.0, high=0.0)


watts = st.floats(-1e6, 1e6)
bounds = st.one_of(
    st.builds(lambda a, b: limit(min(a, b), max(a, b)), watts, watts),
    st.builds(lambda a: limit(low=a), watts),
    st.builds(lambda a: limit(high=a), watts),
)


@given(value=watts, charge=st.floats(0, 1e5), discharge=st.floats(0, 1e5), limits=st.lists(bounds))
def test_a_clamped_power_is_always_inside_of_every_limit(
    value: float, charge: float, discharge: float, limits: list[Limit]
) -> None:
    envelope = battery(charge, discharge)
    answer = LimitSet(POWER, envelope, limits).clamp(value)
    lows = [-discharge, *(x.min_power_w for x in limits if x.min_power_w is not None)]
    highs = [charge, *(x.max_power_w for x in limits if x.max_power_w is not None)]
    match answer:
        case Accepted(given_w):
            assert given_w == value
            assert max(lows) <= given_w <= min(highs)
        case Clamped(given_w, reason):
            assert given_w != value
            assert max(lows) <= given_w <= min(highs)
            assert given_w in (max(lows), min(highs))
            assert reason
        case Refused():
            assert max(lows) > min(highs)
        case _:
            assert_never(answer)


@given(value=st.floats(0, 100), limits=st.lists(bounds, max_size=3))
def test_a_clamped_current_is_off_or_between_the_chargers_ends(
    value: float, limits: list[Limit]
) -> None:
    answer = LimitSet(SetpointKind.CURRENT_A, CHARGER[SetpointKind.CURRENT_A], limits).clamp(value)
    if isinstance(answer, Refused):
        return
    assert answer.value == 0 or 6 <= answer.value <= 16
    power_w = answer.value * 690
    for each in limits:
        assert each.max_power_w is None or power_w <= each.max_power_w + 1e-6
        assert each.min_power_w is None or power_w >= each.min_power_w - 1e-6
