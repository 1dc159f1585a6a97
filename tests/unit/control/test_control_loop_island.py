"""What a gateway is told to run a site without the grid follows from the site model."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.control_model import BATTERY_ID, GATEWAY_ID, SITE
from tests.unit.control.test_control_loop_policy import (
    NOW,
    STORED,
    asset,
    connection,
    meter,
    steered,
)
from wattmesh_control.domain.loop_policy import LoopRule, loop_policies
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId
from wattmesh_kernel.loop_policy import LoopIsland
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    EvChargerRating,
    LoadRating,
    Microgrid,
    Resource,
    Site,
    SiteModel,
    SiteModelChange,
)

SWITCH = replace(steered("grid"), id=DeviceId(SITE, "switch"))
GRID_SIDE = meter(
    "grid-side", points=frozenset({"active_power_w", "voltage_v", "frequency_hz"}), modbus=True
)
CAR, POOL = AssetId(SITE, "ev"), AssetId(SITE, "pool")
MICROGRID = Microgrid(shed_assets=(CAR, POOL), reconnect_delay=timedelta(minutes=5))
SHED = (
    asset("ev", EvChargerRating(max_current_a=16.0)),
    steered("ev"),
    asset("pool", LoadRating(critical_ratio=0.0)),
    steered("pool"),
)


def island(
    *resources: Resource,
    microgrid: Microgrid | None = MICROGRID,
    kept_off: tuple[DeviceId, ...] = (),
) -> LoopIsland | None:
    site = Site(id=SITE, time_zone="UTC", currency_code="EUR", microgrid=microgrid)
    change = SiteModelChange(revision=1, snapshot=True, changed=(site, connection(), *resources))
    found = loop_policies(SiteModel().apply(change), GATEWAY_ID, (), NOW, LoopRule(), kept_off)
    return found[0].island if found else None


def test_a_microgrid_is_followed_by_its_switch_and_the_meter_on_the_grids_side() -> None:
    found = island(SWITCH, GRID_SIDE, *STORED, *SHED)
    assert found is not None
    assert (found.switch.device, found.switch.kind) == (SWITCH.id, SetpointKind.ON_OFF)
    assert found.grid_meter == GRID_SIDE.id
    assert found.sample_interval is not None
    assert found.sample_interval <= timedelta(seconds=0.5), "two words within a second"
    assert (found.forming, found.forming_power_w) == (BATTERY_ID, 5000.0)
    assert found.reconnect_delay == timedelta(minutes=5)
    assert [each.device.segment for each in found.shed] == ["ev", "pool"]
    assert [each.kind for each in found.shed] == [SetpointKind.CURRENT_A, SetpointKind.ON_OFF]


def test_what_is_shed_comes_on_again_in_the_order_that_its_owner_has_set() -> None:
    found = island(SWITCH, GRID_SIDE, *STORED, *SHED)
    assert found is not None
    assert [each.device.segment for each in found.restored] == ["pool", "ev"], "the other way round"
    ordered = replace(MICROGRID, restore_assets=(CAR, POOL))
    found = island(SWITCH, GRID_SIDE, *STORED, *SHED, microgrid=ordered)
    assert found is not None
    assert [each.device.segment for each in found.shed] == ["ev", "pool"]
    assert [each.device.segment for each in found.restored] == ["ev", "pool"]
    partly = replace(MICROGRID, restore_assets=(CAR,))
    found = island(SWITCH, GRID_SIDE, *STORED, *SHED, microgrid=partly)
    assert found is not None
    assert [each.device.segment for each in found.restored] == ["ev", "pool"], "unnamed ones after"


def test_what_is_not_shed_or_named_twice_has_no_turn() -> None:
    for order in ((POOL, POOL), (AssetId(SITE, "heat"),)):
        with pytest.raises(InvalidArgument):
            replace(MICROGRID, restore_assets=order)


def test_without_a_switch_a_meter_of_the_grid_or_the_word_for_it_a_site_is_no_island() -> None:
    assert island(GRID_SIDE, *STORED) is None
    assert island(SWITCH, meter(), *STORED) is None
    assert island(SWITCH, GRID_SIDE, *STORED, microgrid=None) is None
    elsewhere = replace(SWITCH, gateway=GatewayId("other"))
    assert island(elsewhere, GRID_SIDE, *STORED) is None


def test_what_is_critical_cannot_be_switched_off() -> None:
    critical = (asset("pool", LoadRating(critical_ratio=0.5)), steered("pool"))
    found = island(SWITCH, GRID_SIDE, *STORED, *critical)
    assert found is not None
    assert found.shed == ()


def test_what_somebody_has_stopped_is_switched_by_no_loop() -> None:
    found = island(SWITCH, GRID_SIDE, *STORED, *SHED, kept_off=(DeviceId(SITE, "ev"),))
    assert found is not None
    assert [each.device.segment for each in found.shed] == ["pool"]
    assert island(SWITCH, GRID_SIDE, *STORED, kept_off=(SWITCH.id,)) is None
