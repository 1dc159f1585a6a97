"""What a feeder, a transformer or a fuse bears is kept by what can be steered below it."""

from dataclasses import replace

import grpc
import pytest

from tests.fakes.control_metering import ControlMetering, home
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld
from tests.integration.control.test_control_site_limits import OTHER, T0, told
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh_kernel.ids import AssetId, GroupId, SiteId
from wattmesh_kernel.sites import Asset, LoadRating, Node, Phase, Site, SiteGroup

HOMES = tuple(SiteId(f"home-{number}") for number in (1, 2, 3))
NORTH = "groups/street/nodes/north"
PANEL = Node(id="panel", max_import_power_w=2_500.0)
STREET = SiteGroup(
    id=GroupId("street"),
    sites=HOMES,
    nodes=(
        Node(id="transformer"),
        Node(
            id="north",
            parent_id="transformer",
            display_name="North feeder",
            max_import_power_w=7_000.0,
        ),
        Node(id="south", parent_id="transformer", max_import_power_w=2_000.0),
    ),
    site_node_ids={HOMES[0]: "north", HOMES[1]: "north", HOMES[2]: "south"},
)


@pytest.fixture
def control_metering() -> ControlMetering:
    return ControlMetering(*(each for site in HOMES for each in home(site.segment)), STREET)


async def test_a_feeder_is_shared_by_the_homes_on_it_and_nobody_else(control: ControlWorld) -> None:
    control.metering.net_power_w |= {
        "sites/home-1/assets/grid": 1_000.0,
        "sites/home-1/assets/battery": 0.0,
        "sites/home-1/assets/pv": 0.0,
    }
    async with control.gateway():
        for device in (BATTERY, OTHER, "sites/home-3/devices/battery"):
            await control.submit(T0, [4000.0], device=device)
        clamped = await told(control, BATTERY, 3000.0)
        assert clamped.message == (
            "4000 W asked, its share of the limit of site-model (what North feeder bears) on "
            f"{NORTH} allows at most 3000 W"
        )
        await told(control, OTHER, 3000.0)
        await told(control, "sites/home-3/devices/battery", 2000.0)
        listed = await control.stub.ListLimits(pb.ListLimitsRequest(parent="sites/-/devices/-"))
        assert {each.subject for each in listed.limits} == {NORTH, "groups/street/nodes/south"}

        wider = replace(
            STREET, nodes=tuple(replace(x, max_import_power_w=None) for x in STREET.nodes)
        )
        control.metering.change(wider)
        await told(control, BATTERY, 4000.0)


async def test_what_a_group_may_draw_together_is_kept_between_plans_too(
    control: ControlWorld,
) -> None:
    """Plans keep it; what somebody asks for beside them, or after the last of them, did not."""
    group = replace(STREET, nodes=(), site_node_ids={}, max_import_power_w=6_000.0)
    control.metering.change(group)
    async with control.gateway():
        for device in (BATTERY, OTHER, "sites/home-3/devices/battery"):
            await control.submit(T0, [4000.0], device=device)
        clamped = await told(control, BATTERY, 2000.0)
        assert clamped.message == (
            "4000 W asked, its share of the limit of site-model (what street bears) on "
            "groups/street allows at most 2000 W"
        )
        await told(control, OTHER, 2000.0)
        listed = await control.stub.ListLimits(pb.ListLimitsRequest(parent="sites/-/devices/-"))
        assert [(each.subject, each.owner) for each in listed.limits] == [
            ("groups/street", "site-model")
        ]

        control.metering.change(replace(group, max_import_power_w=None))
        await told(control, BATTERY, 4000.0)


async def test_a_groups_conductors_are_those_of_a_node_that_all_its_sites_hang_on(
    control: ControlWorld,
) -> None:
    transformer = Node(id="transformer", max_phase_import_power_w=2_000.0)
    below = dict.fromkeys(HOMES, "transformer")
    control.metering.change(replace(STREET, nodes=(transformer,), site_node_ids=below))
    async with control.gateway():
        for device in (BATTERY, OTHER, "sites/home-3/devices/battery"):
            await control.submit(T0, [4000.0], device=device)
        await told(control, BATTERY, 2000.0)  # of three conductors with 2 kW each for three homes


async def test_an_operator_limits_a_feeder_for_an_hour(control: ControlWorld) -> None:
    async with control.gateway():
        await control.submit(T0, [4000.0])
        await control.submit(T0, [4000.0], device=OTHER)
        await control.limit(None, 5000.0, HOUR, device="groups/street/nodes/transformer")
        await told(control, BATTERY, 2500.0)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await control.limit(None, 5000.0, HOUR, device="groups/street/nodes/nowhere")
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_panel_within_a_home_binds_what_hangs_on_it(control: ControlWorld) -> None:
    assets = [each for each in home("home-1") if isinstance(each, Asset)]
    (battery,) = (each for each in assets if each.id.segment == "battery")
    site = Site(id=HOMES[0], time_zone="UTC", currency_code="EUR", nodes=(PANEL,))
    control.metering.change(site, replace(battery, node_id="panel"))
    async with control.gateway():
        await control.submit(T0, [4000.0])
        await told(control, BATTERY, 2500.0)


async def test_a_conductor_of_a_panel_binds_what_hangs_on_it_beside_what_else_does(
    control: ControlWorld,
) -> None:
    assets = {each.id.segment: each for each in home("home-1") if isinstance(each, Asset)}
    panel = Node(id="panel", max_phase_import_power_w=3_000.0)
    control.metering.change(
        Site(id=HOMES[0], time_zone="UTC", currency_code="EUR", nodes=(panel,)),
        replace(assets["battery"], node_id="panel", phase=Phase.L1),
        Asset(id=AssetId(HOMES[0], "oven"), rating=LoadRating(), node_id="panel", phase=Phase.L1),
    )
    control.metering.net_power_w["sites/home-1/assets/oven"] = 800.0
    async with control.gateway():
        await control.submit(T0, [4000.0])
        await told(control, BATTERY, 2200.0)
        balanced = replace(assets["battery"], node_id="panel", phase=Phase.THREE)
        control.metering.change(balanced)
        await told(control, BATTERY, 4000.0)
