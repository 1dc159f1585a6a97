"""A site's or group's limit is shared so that together nobody exceeds it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_control.domain.controllable import ControllableDevice, Steering
from wattmesh_control.domain.envelope import envelopes_of
from wattmesh_control.domain.headroom import Need, need_of, parts_of, share_out, still_good
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.shares import Share, shares_of, site_shares_of
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, LimitId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    EvChargerRating,
    Phase,
    PvRating,
    Rating,
)
from wattmesh_kernel.time import TimeRange

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SITE = SiteId("home-1")
A, B, C = (DeviceId(SITE, name) for name in ("a", "b", "c"))

powers = st.floats(min_value=-20_000, max_value=20_000)


def need(device: DeviceId, most_w: float, *, able_w: float = 5000.0, priority: int = 10) -> Need:
    return Need(
        device=device,
        least_w=most_w,
        most_w=most_w,
        able_least_w=-able_w,
        able_most_w=able_w,
        priority=priority,
    )


@st.composite
def needs(draw: st.DrawFn) -> list[Need]:
    found = []
    for number in range(draw(st.integers(min_value=1, max_value=6))):
        low, least, most, high = sorted(draw(powers) for _ in range(4))
        found.append(
            Need(
                device=DeviceId(SITE, f"d{number}"),
                least_w=least,
                most_w=most,
                able_least_w=min(low, 0.0),
                able_most_w=max(high, 0.0),
                priority=draw(st.integers(min_value=-1, max_value=2)),
            )
        )
    return found


@given(needs(), powers)
def test_shares_never_come_to_more_than_there_is(asked: list[Need], budget_w: float) -> None:
    shares = share_out(budget_w, asked)
    given_w = sum(max(-each.most_w, 0.0) for each in asked)
    assert shares.keys() == {each.device for each in asked}
    assert sum(shares.values()) <= max(budget_w, -given_w) + 1e-6
    for each in asked:
        assert shares[each.device] >= min(each.most_w, 0.0) - 1e-6, "made to give out more"
        assert shares[each.device] <= max(each.able_most_w, each.most_w) + 1e-6


@given(needs(), powers)
def test_nobody_is_cut_while_there_is_enough(asked: list[Need], budget_w: float) -> None:
    if sum(max(each.most_w, 0.0) for each in asked) <= budget_w:
        shares = share_out(budget_w, asked)
        assert all(shares[each.device] >= each.most_w - 1e-6 for each in asked)


def test_too_little_is_shared_by_priority_then_alike() -> None:
    asked = [need(A, 3000.0), need(B, 3000.0)]
    assert share_out(4000.0, asked) == {A: 2000.0, B: 2000.0}
    assert share_out(4000.0, [*asked, need(C, -1000.0)]) == {A: 2500.0, B: 2500.0, C: -1000.0}
    ahead = [need(A, 3000.0, priority=100), need(B, 3000.0)]
    assert share_out(4000.0, ahead) == {A: 3000.0, B: 1000.0}
    assert share_out(-500.0, asked) == {A: 0.0, B: 0.0}, "nobody is made to give out"


def steered(device: DeviceId, rating: Rating) -> ControllableDevice:
    asset = Asset(id=AssetId(SITE, device.segment), rating=rating)
    steerings = {
        kind: Steering(asset=asset.id, envelope=envelope)
        for kind, envelope in envelopes_of(asset).items()
    }
    return ControllableDevice(device=device, gateway=GatewayId("g"), steerings=steerings)


def told(device: DeviceId, kind: SetpointKind, value: float) -> Proposal:
    return Proposal(
        origin=Origin.SCHEDULE,
        device=device,
        kind=kind,
        owner="planner",
        priority=10,
        source="p",
        request_id="r",
        span=TimeRange.of(NOW, HOUR),
        value=value,
        accept_time=NOW,
    )


def test_what_a_device_is_about_to_do_follows_from_what_it_is_told() -> None:
    battery = steered(
        A,
        BatteryRating(
            capacity_wh=10_000.0, max_charge_power_w=5000.0, max_discharge_power_w=4000.0
        ),
    )
    charger = steered(B, EvChargerRating(max_current_a=16.0, min_current_a=6.0))
    sun = steered(C, PvRating(peak_power_w=4000.0, curtailable=True))
    cases = [
        (battery, None, (0.0, 0.0)),
        (battery, told(A, SetpointKind.ACTIVE_POWER_W, -3000.0), (-3000.0, -3000.0)),
        (charger, None, (0.0, 11_040.0)),
        (charger, told(B, SetpointKind.CURRENT_A, 10.0), (0.0, 6900.0)),
        (sun, None, (-4000.0, 0.0)),
        (sun, told(C, SetpointKind.GENERATION_LIMIT_W, 1000.0), (-1000.0, 0.0)),
    ]
    for device, proposal, expected in cases:
        found = need_of(device, [] if proposal is None else [proposal])
        assert found is not None
        assert (found.least_w, found.most_w) == pytest.approx(expected)


def test_a_current_counts_as_much_as_flows_in_the_conductors_that_carry_it() -> None:
    """16 A of a vehicle on L2 are 3,680 W there and nothing elsewhere, not 11,040 W."""
    charger = steered(A, EvChargerRating(max_current_a=16.0, min_current_a=6.0))
    current = told(A, SetpointKind.CURRENT_A, 16.0)
    everywhere = need_of(charger, [current])
    one = need_of(charger, [replace(current, phase=Phase.L2)])
    assert everywhere is not None
    assert one is not None
    assert everywhere.most_w == pytest.approx(11_040.0)
    assert everywhere.phases == {Phase.THREE}
    assert one.most_w == pytest.approx(3680.0)
    assert one.phases == {Phase.L2}


def limit(low_w: float | None, high_w: float | None, subject: str = SITE.name) -> Limit:
    return Limit(
        limit=LimitId("l"),
        subject=subject,
        owner="grid",
        min_power_w=low_w,
        max_power_w=high_w,
        expire_time=NOW + HOUR,
    )


def test_what_else_a_site_draws_is_taken_off_and_what_binds_nobody_is_left_out() -> None:
    asked = [need(A, 3000.0), need(B, 3000.0)]
    shares = shares_of(limit(None, 5000.0), asked, 1000.0, {})
    assert shares == {each: Share(max_power_w=2000.0) for each in (A, B)}
    assert shares_of(limit(None, 12_000.0), asked, 1000.0, {}) is None, "nobody is bound"
    export = shares_of(limit(-2000.0, None), [need(A, -3000.0), need(B, -1000.0)], 500.0, {})
    assert export == {A: Share(min_power_w=-1875.0), B: Share(min_power_w=-625.0)}


def test_shares_stay_while_they_keep_the_limit_and_nobody_lacks_much() -> None:
    asked = [need(A, 3000.0), need(B, 1000.0)]
    after = share_out(4000.0, asked)
    assert still_good(after, after, asked, 100.0)
    assert still_good({A: 2950.0, B: 1000.0}, after, asked, 100.0)
    assert not still_good({A: 2000.0, B: 2000.0}, after, asked, 100.0), "A lacks 1 kW"
    assert not still_good({A: 3000.0, B: 1100.0}, after, asked, 1000.0), "too much together"
    assert not still_good({A: 3000.0}, after, asked, 1000.0), "B has no share yet"


def test_a_groups_limit_is_shared_to_its_sites_whole() -> None:
    other = DeviceId(SiteId("home-2"), "a")
    asked = [need(A, 3000.0), need(other, 1000.0)]
    group = limit(None, 5000.0, "groups/street")
    rests = {SITE: 500.0, other.site: 1500.0}
    shares = shares_of(group, asked, 2000.0, {})
    assert shares is not None
    sites = site_shares_of(group, asked, shares, rests)
    most = [each.max_power_w or 0.0 for each in sites.values()]
    assert sum(most) == pytest.approx(5000.0)
    assert sites[SITE].max_power_w == pytest.approx(2250.0 + 500.0)
    assert replace(group, subject=SITE.name).device is None


L1, THREE = parts_of([Phase.L1]), parts_of([Phase.THREE])


def phased(high_w: float, low_w: float | None = None, whole_w: float | None = None) -> Limit:
    return replace(
        limit(None, 99_000.0 if whole_w is None else whole_w),
        max_phase_power_w=high_w,
        min_phase_power_w=low_w,
    )


def test_a_conductor_binds_what_hangs_on_it_by_what_flows_there() -> None:
    asked = [
        replace(need(A, 3000.0), parts=L1),
        replace(need(B, 3000.0), parts=THREE),
        replace(need(C, 3000.0), parts=parts_of([Phase.L2])),
    ]
    shares = shares_of(phased(2000.0), asked, 900.0, {}, (500.0, 200.0, 200.0))
    assert shares is not None
    # 1,500 W are left in L1 for 3,000 of A and 1,000 of B, 1,800 in L2 for 3,000 of C
    assert shares[A].max_power_w == pytest.approx(1125.0)
    assert shares[B].max_power_w == pytest.approx(3 * 375.0)
    assert shares[C].max_power_w == pytest.approx(1350.0)
    out = [replace(need(A, -3000.0), parts=L1), replace(need(B, -3000.0), parts=THREE)]
    given = shares_of(phased(9000.0, -1000.0), out, 0.0, {})
    assert given is not None
    assert given[A].min_power_w == pytest.approx(-750.0)


def test_a_device_that_steers_assets_on_several_conductors_may_have_all_in_each() -> None:
    assert parts_of([Phase.L1, Phase.L3]) == (1.0, 0.0, 1.0)
    assert parts_of([Phase.L1, Phase.THREE]) == (1.0, 1.0, 1.0)
    assert L1 == (1.0, 0.0, 0.0)


phases = st.sampled_from([Phase.L1, Phase.L2, Phase.L3, Phase.THREE])


@given(needs(), st.lists(phases, min_size=6, max_size=6), st.floats(0, 20_000), powers)
def test_no_conductor_has_more_than_its_limit_and_shares_that_were_given_are_good(
    asked: list[Need], on: list[Phase], most_w: float, rest_w: float
) -> None:
    asked = [replace(each, parts=parts_of([phase])) for each, phase in zip(asked, on, strict=False)]
    rests_w = (rest_w, rest_w / 2, 0.0)
    bound = phased(most_w, whole_w=2 * most_w)
    shares = shares_of(bound, asked, 0.0, {}, rests_w)
    if shares is None:
        return
    had_w = {
        each.device: each.able_most_w if bound_w is None else bound_w
        for each in asked
        for bound_w in (shares[each.device].max_power_w,)
    }
    for index, drawn_w in enumerate(rests_w):
        flow_w = sum(each.parts[index] * had_w[each.device] for each in asked)
        assert flow_w <= max(most_w - drawn_w, 0.0) + len(asked) + 1e-6
    before = {
        each: Limit(
            limit=LimitId("share"),
            subject=each.name,
            owner="limits/l",
            max_power_w=share.max_power_w,
            expire_time=NOW + HOUR,
            parent=LimitId("l"),
        )
        for each, share in shares.items()
        if share.binds
    }
    if len(before) == len(shares):
        assert shares_of(bound, asked, 0.0, before, rests_w) is None
