from dataclasses import replace
from datetime import timedelta

from tests.fakes.planner_home import (
    HOME,
    START,
    STREET,
    asset_id,
    battery_device,
    device_id,
    group,
    home,
    inverter,
    model_of,
    without,
)
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    DeviceFunction,
    LoadRating,
    MeterRole,
    Resource,
    Site,
    SiteGroup,
)
from wattmesh_planner.domain.facts import Reason
from wattmesh_planner.domain.model import Scope, ScopeState
from wattmesh_planner.domain.scopes import scope_ids, scope_of

OTHER = SiteId("home-2")


def scope(*resources: Resource, of: SiteId | GroupId = HOME) -> Scope:
    found = scope_of(model_of(*resources), of, START)
    assert found is not None
    return found


def test_a_site_of_a_group_is_planned_with_it_and_not_by_itself() -> None:
    model = model_of(*home(), *home(OTHER), group(OTHER))

    assert scope_ids(model) == [STREET, HOME]
    assert scope_of(model, OTHER, START) is None
    assert scope_of(model, SiteId("nowhere"), START) is None


def test_a_site_without_anything_to_steer_says_so() -> None:
    bare = scope(*without(home(), "battery"))

    assert bare.state is ScopeState.NOTHING_TO_STEER
    assert bare.degradations == ()


def test_solar_that_a_device_can_curtail_is_something_to_steer() -> None:
    bare = without(home(), "battery")

    assert scope(*bare, *inverter()).state is ScopeState.PLANNED
    assert scope(*bare, *inverter()[:1]).state is ScopeState.NOTHING_TO_STEER


def test_a_battery_without_controller_or_without_state_makes_its_site_incomplete() -> None:
    bare = [each for each in home() if each.id != device_id("battery")]
    measured = scope(*bare, battery_device("meter", controls=False))
    controlled = scope(*bare, battery_device("controller", meter_role=None))

    assert measured.state is controlled.state is ScopeState.INCOMPLETE
    assert [each.reason for each in measured.degradations] == [Reason.NO_CONTROLLER]
    assert [each.reason for each in controlled.degradations] == [Reason.INCOMPLETE_SITE_MODEL]


def test_a_check_meter_is_never_asked_for_the_state() -> None:
    bare = [each for each in home() if each.id != device_id("battery")]
    check = battery_device("a-check", controls=False, meter_role=MeterRole.CHECK)
    (battery,) = [
        each for each in scope(*bare, check, battery_device("main")).assets if each.points
    ]

    assert battery.points["soc_ratio"].id.device == device_id("main")


def test_a_device_whose_time_is_over_steers_nothing() -> None:
    device = battery_device("battery")
    ended = DeviceFunction(
        asset=asset_id("battery"), meter_role=MeterRole.MAIN, controls=True, end=START
    )
    model = model_of(*home(), replace(device, functions=(ended,)))

    before = scope_of(model, HOME, START - timedelta(seconds=1))
    after = scope_of(model, HOME, START)

    assert before is not None
    assert before.state is ScopeState.PLANNED
    assert after is not None
    assert after.state is ScopeState.INCOMPLETE


def test_a_site_without_grid_connection_costs_its_group_that_site_alone() -> None:
    street = scope(*home(), *without(home(OTHER), "grid"), group(HOME, OTHER), of=STREET)

    assert street.state is ScopeState.PLANNED
    assert [site.site.id for site in street.sites] == [HOME]
    assert [(each.subject, each.reason) for each in street.degradations] == [
        (OTHER.name, Reason.INCOMPLETE_SITE_MODEL)
    ]


def test_a_site_that_pays_in_another_currency_is_left_out_of_its_group() -> None:
    foreign = Site(id=OTHER, time_zone="UTC", currency_code="USD")
    street = scope(*home(), *home(OTHER)[1:], foreign, group(HOME, OTHER), of=STREET)

    assert [site.site.id for site in street.sites] == [HOME]
    assert street.degradations[0].subject == OTHER.name


def test_an_empty_group_is_incomplete() -> None:
    assert scope(SiteGroup(id=STREET), of=STREET).state is ScopeState.INCOMPLETE


def test_a_load_for_information_does_not_count_in_the_balance() -> None:
    detail = Asset(id=asset_id("dishwasher"), rating=LoadRating(informational=True))

    found = scope(*home(), detail)

    assert detail.id not in {asset.id for asset in found.assets}
    assert found.degradations == ()


def test_an_asset_that_hangs_on_an_unknown_node_costs_itself_alone() -> None:
    lost = Asset(id=asset_id("shed"), rating=LoadRating(), node_id="shed")

    found = scope(*home(), lost)

    assert found.state is ScopeState.PLANNED
    assert [(each.subject, each.reason) for each in found.degradations] == [
        (lost.name, Reason.INCOMPLETE_SITE_MODEL)
    ]
