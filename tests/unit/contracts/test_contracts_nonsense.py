"""Whatever a peer sends is a value or is refused: nothing else comes out of a converter."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.proto_strategies import anything
from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2
from wattmesh.type.v1 import money_pb2, series_pb2, tariff_pb2, time_range_pb2
from wattmesh_contracts.billing import billing_state_from_proto
from wattmesh_contracts.devices import device_from_proto
from wattmesh_contracts.site_model import Piece, change_from_pieces
from wattmesh_contracts.sites import asset_from_proto, group_from_proto, site_from_proto
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import (
    money_from_proto,
    series_from_proto,
    time_range_from_proto,
)
from wattmesh_kernel.errors import InvalidArgument

CONVERTERS: list[tuple[type[Message], Callable[[Any], object]]] = [
    (time_range_pb2.TimeRange, time_range_from_proto),
    (series_pb2.Series, series_from_proto),
    (money_pb2.Money, money_from_proto),
    (tariff_pb2.Tariff, tariff_from_proto),
    (tariff_pb2.BillingState, billing_state_from_proto),
    (site_pb2.Site, site_from_proto),
    (site_pb2.SiteGroup, group_from_proto),
    (asset_pb2.Asset, asset_from_proto),
    (device_pb2.Device, device_from_proto),
]


@pytest.mark.parametrize(("kind", "convert"), CONVERTERS, ids=lambda each: each.__name__)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_nonsense_is_refused_and_never_a_fault(
    kind: type[Message], convert: Callable[[Any], object], data: st.DataObject
) -> None:
    message = data.draw(anything(kind))
    refused = _refusal(convert, message)
    assert refused is None or refused.field


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(anything(Piece))
def test_a_piece_of_nonsense_costs_what_makes_no_sense_and_no_more(piece: Piece) -> None:
    left_out = list[str]()
    change = change_from_pieces([piece], lambda name, error: left_out.append(name))
    parts = [*piece.sites, *piece.assets, *piece.devices, *piece.site_groups, *piece.tariffs]
    told = len(parts) + len(piece.published_prices)
    assert len(change.changed) + len(change.published) + len(left_out) == told


def _refusal(convert: Callable[[Any], object], message: Message) -> InvalidArgument | None:
    try:
        convert(message)
    except InvalidArgument as error:
        return error
    return None
