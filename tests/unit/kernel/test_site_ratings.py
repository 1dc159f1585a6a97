"""Between which powers each kind of asset can be, and trees that are trees."""

import pytest

from tests.unit.kernel.site_samples import GRID
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.sites import (
    KIND_NAMES,
    RATINGS,
    Asset,
    BatteryRating,
    ComfortBand,
    CopPoint,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    HeatPumpRating,
    HvacZoneRating,
    LoadRating,
    Node,
    Phase,
    PvRating,
    RatedPower,
    Rating,
    Site,
    SiteGroup,
    TankRating,
    WindRating,
    rated_power,
)


def pump(power_w: float) -> HeatPumpRating:
    return HeatPumpRating(
        max_power_w=power_w, cop_points=(CopPoint(outdoor_temperature_celsius=0, cop_ratio=3),)
    )


ZONE = ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24)
BATTERY = BatteryRating(capacity_wh=10_000, max_charge_power_w=5_000, max_discharge_power_w=4_000)
TANK = TankRating(
    capacity_wh_per_k=250, min_temperature_celsius=45, max_temperature_celsius=60, heater=pump(2000)
)


@pytest.mark.parametrize(
    ("rating", "phase", "into_w", "out_w"),
    [
        (GridConnectionRating(max_import_power_w=17_000), Phase.THREE, 17_000, None),
        (LoadRating(), Phase.THREE, None, 0),
        (PvRating(peak_power_w=8_000), Phase.THREE, 0, 8_000),
        (PvRating(peak_power_w=8_000, max_output_power_w=6_000), Phase.THREE, 0, 6_000),
        (WindRating(max_output_power_w=50_000), Phase.THREE, 0, 50_000),
        (BATTERY, Phase.THREE, 5_000, 4_000),
        (EvChargerRating(max_current_a=16), Phase.THREE, 11_040, 0),
        (EvChargerRating(max_current_a=16), Phase.L2, 3_680, 0),
        (EvChargerRating(max_current_a=32, max_discharge_power_w=10_000), Phase.L1, 7_360, 10_000),
        (HvacZoneRating(occupied_band=ZONE, heating=pump(3000), cooling=pump(2000)), Phase.THREE,
         3_000, 0),
        (HvacZoneRating(occupied_band=ZONE), Phase.THREE, 0, 0),
        (TANK, Phase.THREE, 2_000, 0),
        (DeferrableRating(max_power_w=2_200), Phase.THREE, 2_200, 0),
        (GeneratorRating(max_output_power_w=20_000), Phase.THREE, 0, 20_000),
    ],
)  # fmt: skip
def test_an_asset_can_be_between_its_rated_powers(
    rating: Rating, phase: Phase, into_w: float | None, out_w: float | None
) -> None:
    asset = Asset(id=GRID, rating=rating, phase=phase)
    assert rated_power(asset) == RatedPower(max_import_w=into_w, max_export_w=out_w)


def test_every_kind_has_a_name_and_every_name_its_kind() -> None:
    assert {name: KIND_NAMES[rating] for name, rating in RATINGS.items()} == {
        name: name for name in RATINGS
    }
    assert Asset(id=GRID, rating=LoadRating()).kind == "load"


def test_three_phases_carry_a_third_each_and_one_carries_all() -> None:
    assert Phase.THREE.share(Phase.L1) == pytest.approx(1 / 3)
    assert (Phase.L2.share(Phase.L2), Phase.L2.share(Phase.L3)) == (1, 0)
    assert (Phase.THREE.count, Phase.L1.count) == (3, 1)


def site_with(*nodes: Node) -> Site:
    return Site(id=SiteId("a"), time_zone="UTC", currency_code="EUR", nodes=nodes)


def test_nodes_form_a_tree_whatever_their_order() -> None:
    lower, upper = Node(id="panel", parent_id="feeder"), Node(id="feeder")
    assert site_with(lower, upper).nodes == (lower, upper)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ((Node(id="a", parent_id="a"),), "NODE_CIRCLE"),
        ((Node(id="a", parent_id="b"), Node(id="b", parent_id="a")), "NODE_CIRCLE"),
        ((Node(id="a", parent_id="nowhere"),), "UNKNOWN_NODE"),
        ((Node(id="a"), Node(id="a")), "REPEATED_NODE"),
    ],
)
def test_nodes_that_are_no_tree_are_refused(nodes: tuple[Node, ...], reason: str) -> None:
    for build in (
        lambda: site_with(*nodes),
        lambda: SiteGroup(id=GroupId("g"), nodes=nodes),
    ):
        with pytest.raises(InvalidArgument) as refused:
            build()
        assert refused.value.reason == reason


def test_a_site_hangs_only_on_a_node_of_its_own_group() -> None:
    home, node = SiteId("home"), Node(id="feeder")
    group = SiteGroup(id=GroupId("g"), sites=(home,), nodes=(node,), site_node_ids={home: "feeder"})
    assert group.site_node_ids[home] == "feeder"
    for sites, name in (((), "feeder"), ((home,), "elsewhere")):
        with pytest.raises(InvalidArgument):
            SiteGroup(id=GroupId("g"), sites=sites, nodes=(node,), site_node_ids={home: name})
