"""A loop policy means the same on both sides of the wire."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh.gateway.v1 import loop_policy_pb2 as pb
from wattmesh_contracts.loop_policies import loop_policies_from_proto, loop_policies_to_proto
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.loop_policy import (
    LoopLimit,
    LoopMember,
    LoopMeter,
    LoopPolicy,
    LoopPolicySet,
    LoopWorth,
    NetPower,
    SharedPower,
    Target,
)
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.time import TimeRange
from wattmesh_kernel.worth import EnergyWorth, StoredWorth

SITE = SiteId("home-1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


WORTH = EnergyWorth(
    import_price_per_kwh=0.5,
    export_price_per_kwh=0.1,
    stores=(
        StoredWorth(
            device=DeviceId(SITE, "battery"),
            values_per_kwh=(0.4, 0.2),
            charge_efficiency_ratio=0.9,
            discharge_efficiency_ratio=0.95,
            kept_soc_ratio=0.25,
            capacity_wh=6400.0,
        ),
    ),
    reduction_price_per_kwh=0.75,
    reduction_floor_w=-250.0,
)


def policy(target: Target | None = None) -> LoopPolicy:
    return LoopPolicy(
        site=SITE,
        lease=timedelta(hours=1),
        meters=(
            LoopMeter(device=DeviceId(SITE, "meter")),
            LoopMeter(device=DeviceId(SITE, "check"), sample_interval=SECOND),
        ),
        members=(
            LoopMember(
                device=DeviceId(SITE, "charger"),
                kind=SetpointKind.CURRENT_A,
                min_value=0.0,
                max_value=16.0,
                gap=(0.0, 6.0),
                watts_per_unit=230.0,
                phase=Phase.L2,
                idle_value=16.0,
                rank=1,
                max_ramp_w_per_second=100.0,
                limits_only=True,
            ),
            LoopMember(
                device=DeviceId(SITE, "battery"),
                kind=SetpointKind.ACTIVE_POWER_W,
                min_value=-5000.0,
                max_value=5000.0,
                efficient_ratio=0.1,
                min_soc_ratio=0.1,
                max_soc_ratio=0.9,
            ),
        ),
        limits=(
            LoopLimit(id="connection", max_import_power_w=8000.0, max_export_power_w=0.0),
            LoopLimit(
                id="peak",
                phase=Phase.L3,
                max_import_power_w=4000.0,
                averaging_interval=timedelta(minutes=15),
                start=NOW,
                expire=NOW + SECOND,
                only_metered=True,
            ),
        ),
        target=target,
        target_expire=None if target is None else NOW + SECOND,
        dead_band_w=50.0,
        settling=2 * SECOND,
        worths=(LoopWorth(span=TimeRange.of(NOW, SECOND), worth=WORTH, owner="planner"),),
    )


@pytest.mark.parametrize("target", [None, NetPower(power_w=0.0), SharedPower(power_w=-500.0)])
def test_a_policy_comes_back_as_it_went(target: Target | None) -> None:
    policies = LoopPolicySet(issue_time=NOW, policies=(policy(target),))
    wire = pb.LoopPolicySet.FromString(loop_policies_to_proto(policies).SerializeToString())
    assert loop_policies_from_proto(wire) == policies


def test_what_makes_no_sense_is_refused_with_its_field() -> None:
    wire = loop_policies_to_proto(LoopPolicySet(issue_time=NOW, policies=(policy(),)))
    wire.policies[0].members[0].unit_power_w = 0.0
    with pytest.raises(InvalidArgument) as refused:
        loop_policies_from_proto(wire)
    assert refused.value.field == "policies.members.unit_power_w"


def test_worth_that_makes_no_sense_is_refused_with_its_field() -> None:
    wire = loop_policies_to_proto(LoopPolicySet(issue_time=NOW, policies=(policy(),)))
    stored = wire.policies[0].worths[0].worth.stores[0]
    stored.discharge_efficiency_ratio = 0.0
    with pytest.raises(InvalidArgument) as refused:
        loop_policies_from_proto(wire)
    assert refused.value.field == "policies.worths.worth.stores.discharge_efficiency_ratio"


def test_worth_is_read_between_the_middles_of_steps() -> None:
    (stored,) = WORTH.stores
    assert [round(stored.value_per_kwh(soc), 9) for soc in (0, 0.25, 0.5, 0.75, 1)] == [
        *(0.4, 0.4, 0.3, 0.2, 0.2)
    ]
    assert stored.after(0.5, 3600.0, 60.0) == pytest.approx(0.5 + 54 / 6400)
    assert stored.after(0.5, -3600.0, 60.0) == pytest.approx(0.5 - 60 / 0.95 / 6400)
