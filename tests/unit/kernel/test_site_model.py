"""The questions that everybody asks of the site model, and what a change makes of it."""

from dataclasses import replace

import pytest

from tests.unit.kernel.site_samples import (
    BATTERY,
    GATEWAY,
    GRID,
    HOME,
    HOUR,
    NOON,
    PV,
    battery,
    device,
    grid,
    main,
    model,
    pv,
    site,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, GatewayId, GroupId, SiteId, TariffId
from wattmesh_kernel.sites import (
    DeviceFunction,
    MeterRole,
    Site,
    SiteGroup,
    SiteModel,
    SiteModelChange,
    ended,
)
from wattmesh_kernel.tariff import Tariff

INVERTER = device("inverter", main(BATTERY, controls=True))
CHECK = device("check", DeviceFunction(asset=BATTERY, meter_role=MeterRole.CHECK))


def test_a_meter_is_not_sent_setpoints_and_only_the_main_meter_shows_the_state() -> None:
    home = model(site, battery, CHECK, INVERTER)
    assert home.controller_of(BATTERY, NOON) == INVERTER
    assert home.controlled_by(INVERTER.id, NOON) == (BATTERY,)
    assert home.controlled_by(CHECK.id, NOON) == ()
    assert {each.device.id.segment for each in home.meters_of(BATTERY, NOON)} == {
        "check",
        "inverter",
    }
    assert home.point_of(BATTERY, "soc_ratio", NOON) == INVERTER.point("soc_ratio")
    assert home.point_of(BATTERY, "voltage_v", NOON) is None


def test_a_part_and_a_sub_meter_do_not_speak_for_the_whole_asset() -> None:
    for role in (MeterRole.PART, MeterRole.SUB, MeterRole.CHECK):
        only = device("meter", DeviceFunction(asset=GRID, meter_role=role))
        home = model(site, grid, only)
        assert home.point_of(GRID, "import_energy_wh", NOON) is None
        assert len(home.meters_of(GRID, NOON)) == 1


def test_a_function_holds_from_its_start_to_just_before_its_end() -> None:
    old = device("old", main(GRID, end=NOON))
    new = device("new", main(GRID, start=NOON))
    home = model(site, grid, old, new)
    before = home.point_of(GRID, "import_energy_wh", NOON - HOUR)
    after = home.point_of(GRID, "import_energy_wh", NOON)
    assert (before, after) == (old.point("import_energy_wh"), new.point("import_energy_wh"))
    assert not old.functions[0].overlaps(new.functions[0])
    assert old.functions[0].overlaps(main(GRID, end=NOON - HOUR))


def test_a_device_that_was_replaced_is_no_longer_sent_setpoints() -> None:
    old = device("old", DeviceFunction(asset=BATTERY, controls=True, end=NOON))
    home = model(site, battery, old)
    assert home.controller_of(BATTERY, NOON - HOUR) == old
    assert home.controller_of(BATTERY, NOON) is None
    assert home.controlled_by(old.id, NOON) == ()


def test_a_meter_measures_only_with_the_points_it_names() -> None:
    meter = device("meter", main(GRID, points=frozenset({"import_energy_wh"})))
    (asset_meter,) = model(site, grid, meter).meters_of(GRID, NOON)
    assert asset_meter.quantities == {"import_energy_wh"}
    assert model(site, grid, meter).point_of(GRID, "soc_ratio", NOON) is None


def test_one_that_both_measures_and_controls_by_two_functions_controls_once() -> None:
    both = device(
        "both", main(BATTERY, controls=True), DeviceFunction(asset=BATTERY, controls=True)
    )
    assert model(site, battery, both).controlled_by(both.id, NOON) == (BATTERY,)


def test_nothing_is_known_of_what_is_not_there() -> None:
    empty = SiteModel()
    assert empty.controller_of(BATTERY, NOON) is None
    assert empty.controlled_by(INVERTER.id, NOON) == ()
    assert empty.meters_of(BATTERY, NOON) == ()
    assert empty.assets_of(HOME) == ()
    assert empty.devices_of_gateway(GATEWAY) == ()
    assert empty.group_of(HOME) is None


def test_lists_are_of_the_site_or_gateway_asked_for_and_by_name() -> None:
    other = Site(id=SiteId("other"), time_zone="UTC", currency_code="EUR")
    far = device("far", gateway=GatewayId("attic"))
    group = SiteGroup(id=GroupId("street"), sites=(HOME,))
    home = model(pv, site, other, battery, grid, INVERTER, far, CHECK, group)
    assert [each.id.segment for each in home.assets_of(HOME)] == ["battery", "grid", "pv"]
    assert [each.id.segment for each in home.devices_of_gateway(GATEWAY)] == ["check", "inverter"]
    assert [each.id.segment for each in home.devices_of_site(HOME)] == ["check", "far", "inverter"]
    assert home.group_of(HOME) == group
    assert home.group_of(other.id) is None
    assert home.assets_of(other.id) == ()


def test_a_change_replaces_what_it_names_and_keeps_the_rest() -> None:
    home = model(site, grid, battery, INVERTER)
    moved = replace(INVERTER, functions=(main(GRID),))
    after = home.apply(SiteModelChange(revision=2, changed=(moved, pv), deleted=frozenset()))
    assert after.revision == 2
    assert set(after.assets) == {GRID, BATTERY, PV}
    assert after.controller_of(BATTERY, NOON) is None
    assert home.controller_of(BATTERY, NOON) == INVERTER


def test_what_was_deleted_is_no_longer_found() -> None:
    home = model(site, grid, battery, INVERTER)
    after = home.apply(
        SiteModelChange(revision=2, deleted=frozenset({INVERTER.name, battery.name, "sites/none"}))
    )
    assert set(after.assets) == {GRID}
    assert after.devices == {}
    assert after.devices_of_gateway(GATEWAY) == ()


def test_a_snapshot_holds_nothing_of_before() -> None:
    home = model(site, grid, battery, INVERTER)
    after = home.apply(SiteModelChange(revision=9, snapshot=True, changed=(site,)))
    assert (set(after.sites), after.assets, after.devices) == ({HOME}, {}, {})


def test_a_model_is_its_own_snapshot() -> None:
    tariff = Tariff(id=TariffId("t"), currency_code="EUR")
    home = model(site, grid, INVERTER, SiteGroup(id=GroupId("g")), tariff)
    assert SiteModel().apply(home.snapshot()) == home


def test_answers_follow_every_change_though_they_were_worked_out_before() -> None:
    home = model(site, grid, battery, INVERTER)
    assert home.meters_of(GRID, NOON) == ()
    tariff = Tariff(id=TariffId("t"), currency_code="EUR")
    after = home.apply(SiteModelChange(revision=2, changed=(tariff,)))
    assert after.controller_of(BATTERY, NOON) == INVERTER
    meter = device("meter", main(GRID))
    after = after.apply(SiteModelChange(revision=3, changed=(meter,)))
    assert [each.device for each in after.meters_of(GRID, NOON)] == [meter]
    assert after.devices_of_site(HOME) == (INVERTER, meter)
    after = after.apply(SiteModelChange(revision=4, deleted=frozenset({meter.name, grid.name})))
    assert after.meters_of(GRID, NOON) == ()
    assert [each.id for each in after.assets_of(HOME)] == [BATTERY]


def test_deleting_a_device_ends_what_it_does_and_keeps_what_it_did() -> None:
    whole = device(
        "meter",
        main(GRID),
        main(PV, start=NOON + HOUR),
        main(BATTERY, start=NOON - HOUR, end=NOON - HOUR / 2),
        DeviceFunction(asset=BATTERY, controls=True, end=NOON + HOUR),
    )
    left = ended(whole, NOON)
    assert [(each.asset, each.start, each.end) for each in left.functions] == [
        (GRID, None, NOON),
        (BATTERY, NOON - HOUR, NOON - HOUR / 2),
        (BATTERY, None, NOON),
    ]
    assert ended(left, NOON + HOUR) == left


def test_a_function_of_another_zone_is_in_utc_and_one_without_a_zone_is_refused() -> None:
    local = NOON.astimezone(site.zone)
    assert main(GRID, start=local).start == NOON
    with pytest.raises(InvalidArgument):
        main(GRID, start=NOON.replace(tzinfo=None))


def test_a_device_does_not_work_for_the_assets_of_another_site() -> None:
    with pytest.raises(InvalidArgument) as refused:
        device("meter", main(AssetId(SiteId("other"), "grid")))
    assert refused.value.field == "functions.asset"


@pytest.mark.parametrize(
    "field", ["profile", "display_name", "manufacturer", "model", "serial_number"]
)
def test_no_word_of_a_device_is_so_long_that_lists_of_devices_cannot_be_sent(field: str) -> None:
    """14 devices with a profile of 5 MB each made a list fail for good."""
    with pytest.raises(InvalidArgument):
        device("meter", **{field: "x" * 5_000_000})
