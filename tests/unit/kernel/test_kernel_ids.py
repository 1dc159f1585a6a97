import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import (
    SEGMENT_PATTERN,
    AssetId,
    DeviceId,
    GroupId,
    PointId,
    SiteId,
)

segments = st.from_regex(SEGMENT_PATTERN, fullmatch=True)


@given(segments, segments, segments)
def test_every_id_is_read_back_from_its_name(site: str, device: str, point: str) -> None:
    for each in (
        SiteId(site),
        GroupId(site),
        AssetId(SiteId(site), device),
        DeviceId(SiteId(site), device),
        PointId(DeviceId(SiteId(site), device), point),
    ):
        assert type(each).parse(each.name) == each


def test_names_follow_the_resource_patterns() -> None:
    site = SiteId("home-1")
    assert site.name == "sites/home-1"
    assert AssetId(site, "pv").name == "sites/home-1/assets/pv"
    point = PointId(DeviceId(site, "battery"), "soc_ratio")
    assert point.name == "sites/home-1/devices/battery/points/soc_ratio"
    assert point.site == site


@pytest.mark.parametrize(
    "name", ["", "home-1", "sites/", "sites/Home", "groups/a", "sites/a/assets/b", "sites/a\n"]
)
def test_a_name_of_another_kind_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        SiteId.parse(name)


def test_ids_of_different_kinds_are_never_equal() -> None:
    site = SiteId("a")
    ids: set[object] = {site, GroupId("a"), AssetId(site, "b"), DeviceId(site, "b")}
    assert len(ids) == 4
