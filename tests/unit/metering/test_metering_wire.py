"""Converters and columns: what goes over the wire or into the database comes back the same."""

import base64
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import quality_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, PointId, SiteId
from wattmesh_kernel.quantities import QUANTITIES
from wattmesh_metering.adapters import columns
from wattmesh_metering.api.convert_query import aggregation_from_proto
from wattmesh_metering.api.convert_readings import batch_from_proto
from wattmesh_metering.domain.readings import Rows
from wattmesh_metering.domain.resampling import Aggregation
from wattmesh_metering.domain.selectors import AssetSelector, PointSelector, parse_site_parent

ASSET = AssetId(SiteId("s"), "a")


def test_a_batch_keeps_its_columns_and_unknown_qualities_are_none() -> None:
    proto = metering_pb2.ReadingBatch(
        sequence=3,
        points=["x"],
        point_indices=[0, 0, 0],
        measure_times_us=[1, -2, 2**62],
        values=[0.5, float("nan"), -1.0],
        qualities=[quality_pb2.QUALITY_MEASURED, quality_pb2.QUALITY_SUBSTITUTED, 99],  # type: ignore[list-item]
        reset_rows=[1],
    )
    batch = batch_from_proto(proto)
    assert batch.times_us.tolist() == [1, -2, 2**62]
    assert batch.qualities.tolist() == [1, 3, 0]
    assert batch.reset_rows.tolist() == [1]
    assert not batch.ragged


def test_every_aggregation_of_the_contract_is_known() -> None:
    numbers = [number for number in metering_pb2.Aggregation.values() if number]
    assert {aggregation_from_proto(number) for number in numbers} == set(Aggregation)


rows = st.lists(
    st.tuples(
        st.integers(1, 2**31 - 1),
        st.integers(0, 4 * 10**15),
        st.floats(allow_nan=False),
        st.sampled_from([1, 2, 3]),
        st.booleans(),
    ),
    max_size=700,
)


@given(rows)
def test_announcements_carry_rows_unchanged_below_the_limit_of_notify(
    drawn: list[tuple[int, int, float, int, bool]],
) -> None:
    keys, times_us, values, qualities, resets = zip(*drawn, strict=True) if drawn else ((),) * 5
    sent = Rows(
        keys=np.array(keys, np.int64),
        times_us=np.array(times_us, np.int64),
        values=np.array(values, np.float64),
        qualities=np.array(qualities, np.int64),
        resets=np.array(resets, np.bool_),
    )
    data, size = columns.announced(sent), columns.ANNOUNCED_BYTES
    payloads = [
        base64.encodebytes(data[first : first + size]).decode()
        for first in range(0, len(data), size)
    ]
    assert all(len(payload) < 8000 for payload in payloads)
    got = Rows.concatenated([columns.rows_from_announcement(payload) for payload in payloads])
    for field in dataclasses.fields(Rows):
        assert np.array_equal(getattr(got, field.name), getattr(sent, field.name))


def test_names_with_a_dash_mean_all() -> None:
    device = DeviceId(SiteId("s"), "d")
    power = PointId(device, "active_power_w")
    assert power.segment in QUANTITIES
    for name, expected in (
        (power.name, PointSelector(SiteId("s"), device, power)),
        ("sites/s/devices/d/points/-", PointSelector(SiteId("s"), device, None)),
        ("sites/s/devices/-/points/-", PointSelector(SiteId("s"), None, None)),
    ):
        assert PointSelector.parse(name) == expected
        assert expected.name == name
    assert AssetSelector.parse("sites/s/assets/-") == AssetSelector(SiteId("s"), None)
    assert AssetSelector.parse(ASSET.name) == AssetSelector(SiteId("s"), ASSET)
    assert parse_site_parent("sites/-") is None
    for parse, name in (
        (PointSelector.parse, "sites/-/devices/-/points/-"),
        (PointSelector.parse, "sites/s/devices/-/points/active_power_w"),
        (AssetSelector.parse, "assets/-"),
        (AssetSelector.parse, "sites/s"),
        (parse_site_parent, ""),
    ):
        with pytest.raises(InvalidArgument):
            parse(name)
